"""What is worn over a face: the head under it, its shape, its cloth, and the light on it."""
