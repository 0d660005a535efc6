"""Readers of annotation formats that several corpora share: one file a format, which knows nothing of corpora."""
