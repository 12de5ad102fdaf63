"""HTTP to the upstream: one session a worker, its connections bounded and kept alive.

Every image's call goes through here, so it is made for that alone: no redirects, no cookies, no
proxies, and connections of our own (`connection`), which take a third of a general client's CPU
time.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

import orjson

from app.deadlines import until
from app.ports import (
    UpstreamAnswerError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.tracing import onward, span
from app.upstream.http.connection import (
    Connection,
    ConnectionBrokenError,
    NoHttpError,
    TooLargeError,
)
from app.upstream.http.guard import Guard
from app.upstream.http.retry_after import retry_after_s
from app.values import value_class
from app.wire.fields import excerpt
from app.wire.packing import (
    PACKED_AT_ONCE,
    PackingError,
    most_unpacked,
    unpacked,
    unpacked_size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from app.events import Events
    from app.upstream.http.connection import Response
    from app.upstream.http.limits import Limits
    from app.wire.writing import Message

IDLE_S: Final = 4.0
"""An idle connection is used no more after this: uvicorn closes it after 5 s."""
PORTS: Final = {"http": 80, "https": 443}
SAFE: Final = "/%:@!$&'()*+,;=-._~"
"""What stays as it is in a path."""
UNPACKED_ALWAYS: Final = 4 * 2**20
"""What a packed answer may become however small it is, in bytes."""
BACK_OFF: Final = frozenset({429, 503})
"""Statuses with which a server may say when it wants to be asked again."""


@dataclass(frozen=True)
class Access:
    """How the gateway makes itself known to the server, and the server to the gateway.

    ``headers`` go with every request. ``certificates`` is a file (PEM) with the authorities that
    its certificate is trusted by, None for those of the system.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificates: Path | None = None


@value_class(frozen=True, eq=False)
class Reply:
    """A successful answer; ``headers`` by their names in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Session:
    """Requests to one server. Every failure is an UpstreamError."""

    def __init__(
        self,
        url: str,
        limits: Limits,
        access: Access | None = None,
        events: Events | None = None,
    ) -> None:
        access = access or Access()
        parts = urlsplit(url)
        self._origin = parts.netloc.rpartition("@")[2]  # without a password before it
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._path = quote(parts.path.rstrip("/"), safe=SAFE)
        self._tls = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=access.certificates)
        self._limits = limits
        self._headers = header_lines(
            {
                "Host": self._origin.encode("idna").decode(),
                "User-Agent": "neo-gateway",
                "Accept-Encoding": "identity",  # Triton counts its header on what it compresses
                **credentials(parts.username, parts.password),
                **access.headers,
            }
        )
        # One more than infer requests, so that the readiness check never queues behind them.
        self._places = asyncio.Semaphore(limits.in_flight + 1)
        self._idle: deque[Connection] = deque()
        self._guard = Guard(events)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    @property
    def sound(self) -> bool:
        """Whether the server was there lately: else only an answer can tell that it is again."""
        return self._guard.closed

    async def get(self, path: str, *, ours: bool = True) -> Reply:
        """Fetch *path* (from the base URL, percent-encoded); it is *ours* if no caller chose it."""
        send = partial(self._exchange, "GET", path, None, self._limits.timeout_s)
        with span("upstream"):
            return await self._guard.ask(send, inference=False, ours=ours)

    async def post(
        self, path: str, message: Message, *, patient: bool = False, ours: bool = True
    ) -> Reply:
        """Send *message* to *path*; once more if a kept-alive connection turns out to be broken.

        *patient*: nobody waits for the answer. It is *ours* if no caller has had a say in what the
        server is to compute, and somebody waits: failures of others tell nothing of the server.
        """
        limits = self._limits
        timeout_s = limits.background_timeout_s if patient else limits.timeout_s
        send = partial(self._exchange, "POST", path, message, timeout_s)
        with span("upstream", bytes=len(message)):
            return await self._guard.ask(send, inference=True, ours=ours)

    async def _exchange(
        self, method: str, path: str, message: Message | None, timeout_s: float
    ) -> Reply:
        loop = asyncio.get_running_loop()
        try:
            with until(loop.time() + timeout_s, loop):
                async with self._places:
                    response = await self._respond(method, path, message)
        except TimeoutError as exc:
            error = f"{self._origin} didn't answer in time"
            raise UpstreamTimeoutError(error) from exc
        except NoHttpError as exc:
            error = f"{self._origin} doesn't speak HTTP"
            raise UpstreamAnswerError(error) from exc
        except TooLargeError as exc:
            raise UpstreamAnswerError(str(exc)) from exc
        except ConnectionBrokenError as exc:
            error = f"{self._origin}: {exc}"
            raise UpstreamUnreachableError(error) from exc
        except OSError as exc:
            error = f"{self._origin}: no connection ({exc.strerror or exc})"
            raise UpstreamUnreachableError(error) from exc
        if not response.good:
            raise UpstreamStatusError(
                response.status,
                _words(response),
                _retry_after_s(response),
                body_bytes=0 if message is None else len(message),
            )
        return Reply(response.headers, await self._unpacked(response))

    async def _respond(self, method: str, path: str, message: Message | None) -> Response:
        headers = b"" if message is None else header_lines({**message.headers, **onward()})
        length = b"" if message is None else b"Content-Length: %d\r\n" % len(message)
        line = f"{method} {self._path}{path or ('' if self._path else '/')} HTTP/1.1\r\n".encode()
        head = b"".join((line, self._headers, headers, length, b"\r\n"))
        parts = () if message is None else message.parts
        connection = await self._connection()
        try:
            response = await connection.exchange(head, parts, self._limits.answer_bytes)
        except ConnectionBrokenError as exc:
            # The server may close an idle connection just as it is used again; on a new one the
            # request may have been the cause.
            if exc.begun or connection.used == 1:
                raise
            connection = await self._connection(fresh=True)
            response = await connection.exchange(head, parts, self._limits.answer_bytes)
        if connection.open:
            self._idle.append(connection)
        return response

    async def _connection(self, *, fresh: bool = False) -> Connection:
        """Return the connection that was used last, if it is open yet, else a new one."""
        loop = asyncio.get_running_loop()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.open and connection.idle_since > loop.time() - IDLE_S:
                return connection
            connection.close()
        async with asyncio.timeout(self._limits.connect_timeout_s):
            _, connection = await loop.create_connection(
                Connection, self._host, self._port, ssl=self._tls
            )
        return connection

    async def _unpacked(self, response: Response) -> bytes:
        """Return the body, unpacked if the server has packed it although it was asked not to."""
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding == "identity":
            return bytes(response.body)
        most = most_unpacked(len(response.body), UNPACKED_ALWAYS, self._limits.answer_bytes)
        if len(response.body) <= PACKED_AT_ONCE:
            return _unpacked(response.body, encoding, most)
        return await asyncio.to_thread(_unpacked, response.body, encoding, most)


def _unpacked(packed: bytearray, encoding: str, most: int) -> bytes:
    """Return what is *packed*, if that is no more than *most* bytes."""
    try:
        unpacked_size(packed, encoding, most)
    except PackingError as exc:
        shown = repr(encoding[:20])
        message = f"the upstream's answer is packed as {shown}, and can't be unpacked: {exc}"
        raise UpstreamAnswerError(message, str(exc), shown) from exc
    return unpacked(packed, encoding)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Return *headers* as they go over the wire."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def credentials(user: str | None, password: str | None) -> dict[str, str]:
    """Return the header for what an owner has put before the host of the URL."""
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _retry_after_s(response: Response) -> float | None:
    """Return when the server wants to be asked again, if it says that."""
    value = response.headers.get("retry-after")
    if value is None or response.status not in BACK_OFF:
        return None
    return retry_after_s(value, datetime.now(UTC))


def _words(response: Response) -> str:
    """Return what the server says of its error, or else the status's own name."""
    try:
        fields = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        fields = None
    told = fields.get("error") or fields.get("detail") if isinstance(fields, dict) else None
    if told is None:
        return excerpt(response.reason.encode())
    return excerpt(told.encode() if isinstance(told, str) else orjson.dumps(told))
