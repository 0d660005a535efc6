"""Readers of annotation formats that several corpora share: one format, one file."""
