"""What several corpora share: one reader for each kind of file they come in."""
