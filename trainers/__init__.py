"""The training side of Mendery. Empty so far: `pipelines` builds the shards that it will read."""
