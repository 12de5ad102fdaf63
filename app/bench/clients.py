"""The two ways to the model: directly, and through the gateway."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from app.bench.gateway import BenchError
from app.bench.load import Reply
from app.upstream.http.connection import (
    Connection,
    ConnectionBrokenError,
    NoHttpError,
    TooLargeError,
)
from app.wiring import open_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from app.detection.search import Images
    from app.ports import Model
    from app.settings import Settings

TIMEOUT_S = 600.0
"""How long one answer may take; the gateway's own patience ends sooner."""
ANSWER_BYTES = 2**20
"""How large one answer may be; it has about 300 bytes."""


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
    """A client of the gateway, which sends the same images as PNG files.

    Each has a connection of its own, of the kind that the direct clients have: what differs is the
    gateway alone. There is no circuit breaker on it, as refusals are counted here.
    """

    def __init__(self, url: str, headers: Mapping[str, str], pictures: Sequence[bytes]) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        lines = {"Host": address.netloc, "Content-Type": "image/png", **headers}
        told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._head = f"POST /predict HTTP/1.1\r\n{told}".encode("latin-1")
        self._pictures = pictures
        self._connection: Connection | None = None

    async def ask(self, number: int) -> Reply:
        """Send one image. Raises BenchError if that isn't a gateway."""
        picture = self._pictures[number]
        head = b"%sContent-Length: %d\r\n\r\n" % (self._head, len(picture))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = await self._opened()
                response = await connection.exchange(head, (picture,), ANSWER_BYTES)
        except (OSError, ConnectionBrokenError, NoHttpError, TooLargeError) as exc:
            message = f"the gateway doesn't answer any more: {str(exc) or type(exc).__name__}"
            raise BenchError(message) from exc
        return _reply(response.status, response.body)

    def close(self) -> None:
        """Close its connection."""
        if self._connection is not None:
            self._connection.close()

    async def _opened(self) -> Connection:
        """Return the connection, a new one if the gateway has closed the last."""
        if self._connection is None or not self._connection.open:
            _, self._connection = await asyncio.get_running_loop().create_connection(
                Connection, self._host, self._port
            )
        return self._connection


@asynccontextmanager
async def direct_clients(
    settings: Settings, images: Images, count: int
) -> AsyncIterator[Sequence[Direct]]:
    """Open *count* clients of the model server."""
    async with AsyncExitStack() as stack:
        yield [
            Direct(await stack.enter_async_context(open_upstream(settings)), images)
            for _ in range(count)
        ]


@asynccontextmanager
async def gateway_clients(
    url: str, settings: Settings, pictures: Sequence[bytes], count: int
) -> AsyncIterator[Sequence[ThroughGateway]]:
    """Open *count* clients of the gateway at *url*."""
    headers = {}
    for key in (*settings.api_keys.values, *settings.admin_keys.values)[:1]:
        headers["X-API-Key"] = key.secret.get_secret_value()
    clients = [ThroughGateway(url, headers, pictures) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def _reply(status: int, body: bytearray) -> Reply:
    told: Any = orjson.loads(body)
    if status == HTTPStatus.OK:
        return Reply(told["probes"], flagged=told["backdoor"])
    return Reply(0, refused=f"{status}: {told['detail']}")
