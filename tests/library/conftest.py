"""The servers that the library is tested on."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from app.library.lifecycle import open_library
from tests.library.servers import program_of, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.library.triggers import RedisTriggerLibrary
    from tests.library.servers import Server


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Yield a Valkey of the wheel, then a Redis where one is installed."""
    with running(program_of(request.param)) as server:
        yield server


@pytest.fixture
async def workers(
    server: Server,
) -> AsyncIterator[list[tuple[RedisTriggerLibrary, RedisCalibrationStore]]]:
    """Yield what two workers in front of one model have open."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_library(server.url, "signs")) for _ in "ab"]


@pytest.fixture
def libraries(
    workers: list[tuple[RedisTriggerLibrary, RedisCalibrationStore]],
) -> list[RedisTriggerLibrary]:
    """Return the trigger libraries of two workers."""
    return [library for library, _ in workers]
