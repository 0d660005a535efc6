"""The training side of Mendery: from finished shards to a trained network. `trainers.train.train` is the command."""
