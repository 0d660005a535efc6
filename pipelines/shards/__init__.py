"""Samples in WebDataset tars: planned, written, read, verified."""
