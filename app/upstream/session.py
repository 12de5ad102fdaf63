"""HTTP to the upstream: one session a worker, its connections bounded and kept alive."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from app.ports import (
    UpstreamAnswerError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.wire.fields import excerpt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from types import SimpleNamespace
    from typing import Self

    from app.upstream.limits import Limits
    from app.wire.writing import Message

KIBIBYTE: Final = 1024
PIECE: Final = 256 * KIBIBYTE
"""How much of a request is handed to the socket at once."""
ERROR_BYTES: Final = 64 * KIBIBYTE
"""How much of an error's body is read."""
IDLE_S: Final = 4.0
"""An idle connection is used no more after this: uvicorn closes it after 5 s."""


@dataclass(frozen=True)
class Access:
    """How the gateway makes itself known to the server, and the server to the gateway.

    ``headers`` go with every request. ``certificates`` is a file (PEM) with the authorities that
    its certificate is trusted by, None for those of the system.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificates: Path | None = None


@dataclass(frozen=True, eq=False)
class Reply:
    """A successful answer."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Attempt:
    """Whether a request went out on a connection that had been used before."""

    reused: bool = False


class Session:
    """Requests to one server. Every failure is an UpstreamError."""

    def __init__(self, url: str, limits: Limits, access: Access | None = None) -> None:
        access = access or Access()
        self._url = url.rstrip("/")
        self._limits = limits
        self._client = aiohttp.ClientSession(
            # One more than infer requests, so that the readiness check never queues behind them.
            connector=aiohttp.TCPConnector(
                limit=limits.in_flight + 1,
                keepalive_timeout=IDLE_S,
                ssl=ssl.create_default_context(cafile=access.certificates),
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout_s),
            headers={
                "Accept-Encoding": "identity",  # Triton counts its header on what it compresses
                "User-Agent": "neo-gateway",
                **access.headers,
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_reuse_tracing()],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def get(self, path: str) -> Reply:
        """Fetch *path* (from the base URL, percent-encoded)."""
        return await self._exchange("GET", path, None)

    async def post(self, path: str, message: Message) -> Reply:
        """Send *message* to *path*; once more if a kept-alive connection turns out to be broken."""
        return await self._exchange("POST", path, message)

    async def _exchange(self, method: str, path: str, message: Message | None) -> Reply:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                response = await self._respond(method, path, message)
                async with response:
                    return await self._read(response)
        except TimeoutError as exc:
            error = f"{self._origin} didn't answer in time"
            raise UpstreamTimeoutError(error) from exc
        except aiohttp.ClientResponseError as exc:
            error = f"{self._origin} doesn't speak HTTP"
            raise UpstreamAnswerError(error) from exc
        except (aiohttp.ClientError, OSError) as exc:
            error = f"{self._origin}: {_reason(exc)}"
            raise UpstreamUnreachableError(error) from exc

    async def _respond(
        self, method: str, path: str, message: Message | None
    ) -> aiohttp.ClientResponse:
        attempt = _Attempt()
        try:
            return await self._send(method, path, message, attempt)
        except aiohttp.ClientConnectionError:
            # The server may close an idle connection just as it is used again; on a new one the
            # request may have been the cause. aiohttp itself repeats a GET, and never a POST.
            if message is None or not attempt.reused:
                raise
        return await self._send(method, path, message, _Attempt())

    async def _send(
        self, method: str, path: str, message: Message | None, attempt: _Attempt
    ) -> aiohttp.ClientResponse:
        body: dict[str, Any] = {}
        if message is not None:
            headers = {**message.headers, "Content-Length": str(len(message))}
            body = {"data": _content(message), "headers": headers}
        return await self._client.request(
            method, self._url + path, allow_redirects=False, trace_request_ctx=attempt, **body
        )

    async def _read(self, response: aiohttp.ClientResponse) -> Reply:
        if not response.ok or response.status >= 300:  # noqa: PLR2004  # redirects
            body = await _bounded(response, ERROR_BYTES)
            raise UpstreamStatusError(response.status, _words(body, response))
        body = await _bounded(response, self._limits.answer_bytes)
        if len(body) > self._limits.answer_bytes:
            message = f"the upstream's answer is larger than {self._limits.answer_bytes} bytes"
            raise UpstreamAnswerError(message)
        return Reply(response.headers, body)

    @property
    def _origin(self) -> str:
        """The server's address without what an owner may have put before it: a password."""
        return urlsplit(self._url).netloc.rpartition("@")[2]


def _reuse_tracing() -> aiohttp.TraceConfig:
    async def reused(
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        __: aiohttp.TraceConnectionReuseconnParams,
    ) -> None:
        context.trace_request_ctx.reused = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(reused)
    return tracing


def _content(message: Message) -> bytes | AsyncIterator[memoryview]:
    """Return a small body as it is, which is cheaper; a large one isn't copied."""
    return b"".join(message.parts) if len(message) <= PIECE else _pieces(message)


async def _pieces(message: Message) -> AsyncIterator[memoryview]:
    for part in message.parts:
        view = memoryview(part)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]


async def _bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read the body, and give up on the rest as soon as it is longer than *most*."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            break
    return b"".join(chunks)


def _words(body: bytes, response: aiohttp.ClientResponse) -> str:
    """Return what the server says of its error, or else the status's own name."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = None
    told = fields.get("error") or fields.get("detail") if isinstance(fields, dict) else None
    if told is None:
        return excerpt((response.reason or "").encode())
    return excerpt(told.encode() if isinstance(told, str) else orjson.dumps(told))


def _reason(exc: Exception) -> str:
    match exc:
        case aiohttp.ClientConnectorError():
            return f"no connection ({exc.os_error.strerror or exc.os_error})"
        case aiohttp.ClientPayloadError():
            return "its answer broke off"
        case _:
            return "the connection broke"
