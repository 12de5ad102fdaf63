"""The shared trigger library: Redis, and the copy that each worker reads from."""
