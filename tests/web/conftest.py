"""The application with its usual settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Run the application with the usual settings."""
    async with serving() as running:
        yield running
