"""A store for gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.library.embedded import embedded_valkey

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """Run a Valkey for all tests of the gateway; each has a model's name of its own there."""
    with embedded_valkey() as url:
        yield url


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return the model's name in this test."""
    return str(request.node.name)
