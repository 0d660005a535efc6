"""Networks that methods share; names of weights are those of the published files where there are any."""
