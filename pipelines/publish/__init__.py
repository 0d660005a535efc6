"""Showing and passing on finished datasets."""
