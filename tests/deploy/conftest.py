"""The model's endpoint, as in tests/faults."""

from tests.faults.conftest import endpoint, upstream

__all__ = ["endpoint", "upstream"]
