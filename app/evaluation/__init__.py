"""The experiments: attacks, streams, metrics."""
