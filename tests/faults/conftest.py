"""Services to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.service import running_upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.service import Upstream


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Run the model's endpoint for all tests."""
    with running_upstream(tmp_path_factory.mktemp("upstream")) as upstream:
        yield upstream


@pytest.fixture
def upstream(endpoint: Upstream) -> Iterator[Upstream]:
    """Return the model's endpoint, which behaves well again after the test."""
    yield endpoint
    endpoint.behave()
