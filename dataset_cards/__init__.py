"""Cards of the known corpora: data that the program reads, not code."""
