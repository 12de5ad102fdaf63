"""The two ways to the model: directly, and through the gateway."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from app.bench.gateway import BenchError
from app.bench.load import Reply
from app.upstream.assembly import open_model
from app.wiring import input_settings, limits, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.detection.search import Images
    from app.ports import Model
    from app.settings import Settings

TIMEOUT_S = 600.0
"""How long one answer may take; the gateway's own patience ends sooner."""


class Direct:
    """A client of the model server, which speaks its protocol as the gateway does.

    Each has a connection of its own: nothing is asked together with another client's image.
    """

    def __init__(self, model: Model, images: Images) -> None:
        self._model = model
        self._images = images

    async def ask(self, number: int) -> Reply:
        """Send one image. Raises UpstreamError."""
        await self._model.answer(self._images[number : number + 1])
        return Reply(1)


class ThroughGateway:
    """A client of the gateway, which sends the same images as PNG files."""

    def __init__(self, http: aiohttp.ClientSession, pictures: Sequence[bytes]) -> None:
        self._http = http
        self._pictures = pictures

    async def ask(self, number: int) -> Reply:
        """Send one image. Raises BenchError if that isn't a gateway."""
        try:
            async with self._http.post("/predict", data=self._pictures[number]) as response:
                return _reply(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as exc:
            message = f"the gateway doesn't answer any more: {str(exc) or type(exc).__name__}"
            raise BenchError(message) from exc


@asynccontextmanager
async def direct_clients(
    settings: Settings, images: Images, count: int
) -> AsyncIterator[Sequence[Direct]]:
    """Open *count* clients of the model server."""
    async with AsyncExitStack() as stack:
        yield [
            Direct(
                await stack.enter_async_context(
                    open_model(server(settings), input_settings(settings), limits(settings))
                ),
                images,
            )
            for _ in range(count)
        ]


@asynccontextmanager
async def gateway_clients(
    url: str, settings: Settings, pictures: Sequence[bytes], count: int
) -> AsyncIterator[Sequence[ThroughGateway]]:
    """Open *count* clients of the gateway at *url*."""
    headers = {"Content-Type": "image/png"}
    for key in (*settings.api_keys.values, *settings.admin_keys.values)[:1]:
        headers["X-API-Key"] = key.get_secret_value()
    async with aiohttp.ClientSession(
        url,
        headers=headers,
        connector=aiohttp.TCPConnector(limit=count),
        timeout=aiohttp.ClientTimeout(TIMEOUT_S),
    ) as http:
        yield [ThroughGateway(http, pictures) for _ in range(count)]


def _reply(status: int, body: bytes) -> Reply:
    told: Any = orjson.loads(body)
    if status == HTTPStatus.OK:
        return Reply(told["probes"], flagged=told["backdoor"])
    return Reply(0, refused=f"{status}: {told['detail']}")
