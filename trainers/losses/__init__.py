"""Losses that methods share: functions of tensors, means over the samples of a batch."""
