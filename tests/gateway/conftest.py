"""A store for gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.gateway.preparation import lifecycle as preparation
from app.library.server.embedded import embedded_valkey

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


@pytest.fixture
def watched_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look all the time whether the model is still the same, and believe at once if it isn't."""
    monkeypatch.setattr(preparation, "CANARIES_S", 0.0)
    monkeypatch.setattr(preparation, "SHARING_S", 0.02)
    monkeypatch.setattr(preparation, "RETRY_S", 0.02)
    monkeypatch.setattr(preparation, "SETTLED_S", 0.0)
