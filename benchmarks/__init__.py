"""Each figure that is stated anywhere, as a command."""
