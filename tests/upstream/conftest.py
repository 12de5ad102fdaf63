"""Real upstreams: our endpoint under uvicorn, and a server that sends whatever bytes it is told."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from app.demo.endpoint import create_endpoint
from app.upstream.assembly import Server, open_model
from app.wire.tensors import TensorSpec
from tests.served_apps import running
from tests.upstream.raw_server import RawServer, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from app.demo.endpoint import Predict
    from app.settings import InputSettings
    from app.upstream.http.limits import Limits
    from app.upstream.model import UpstreamModel

Serve: TypeAlias = "Callable[..., str]"
Connect: TypeAlias = "Callable[..., Awaitable[UpstreamModel]]"
Listen: TypeAlias = "Callable[..., Awaitable[str]]"

LABEL = TensorSpec("label", "INT64", (-1,))
SCORES = TensorSpec("probabilities", "FP32", (-1, 3))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start endpoints of the model ``digits`` (6x5x1, three classes), which stop with the test."""
    with ExitStack() as stack:

        def start(predict: Predict, **model: Any) -> str:  # as create_endpoint's
            told = {"shape": (6, 5, 1), "outputs": (LABEL, SCORES)} | model
            return stack.enter_context(running(create_endpoint("digits", predict, **told)))

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open models behind base URLs, ``digits`` if not told otherwise; closed with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            url: str,
            settings: InputSettings | None = None,
            limits: Limits | None = None,
            name: str = "digits",
            **server: Any,  # as Server's
        ) -> UpstreamModel:
            opened = open_model(Server(url, name, **server), settings, limits)
            return await stack.enter_async_context(opened)

        yield start


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Start raw servers, which stop with the test; give their base URLs."""
    async with AsyncExitStack() as stack:

        async def start(server: RawServer, at: socket.socket | None = None) -> str:
            at = at or socket.create_server(("127.0.0.1", 0))
            await stack.enter_async_context(listening(server, at))
            return f"http://127.0.0.1:{at.getsockname()[1]}"

        yield start
