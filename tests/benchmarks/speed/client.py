"""A load: many clients, each of whom sends its next request when the last one is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from tests.benchmarks.speed.messages import Messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

OK = b"HTTP/1.1 200"
FLAG = b"x-neo-verdict: backdoor"
GRACE_S = 30
"""For the last answers after the time is up."""


@dataclass(frozen=True, eq=False)
class Load:
    """What came of it: how long each request took, and all of them together, in seconds.

    ``refused`` were answered by an error, ``flagged`` as images with a trigger.
    """

    latencies: NDArray[np.float64]
    seconds: float
    refused: int
    flagged: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency, in seconds, that *share* percent of the requests stay below."""
        return float(np.percentile(self.latencies, share))


async def load(port: int, requests: Iterator[bytes], clients: int, seconds: float = 60) -> Load:
    """Send *requests* with so many *clients* until there are no more, or time is up."""
    loop = asyncio.get_running_loop()
    sending = _Sending(requests, time.perf_counter() + seconds)
    started = time.perf_counter()
    transports = []
    try:
        for _ in range(clients):
            client = _Client(sending)
            transport, _ = await loop.create_connection(lambda c=client: c, "127.0.0.1", port)  # type: ignore[misc]
            transports.append(transport)
            sending.clients.append(client.done)
        async with asyncio.timeout(seconds + GRACE_S):
            await asyncio.gather(*sending.clients)
    finally:
        for transport in transports:
            transport.close()
    taken = time.perf_counter() - started
    return Load(np.array(sending.latencies), taken, sending.refused, sending.flagged)


class _Sending:
    """What the clients share."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.clients: list[asyncio.Future[None]] = []
        self.latencies: list[float] = []
        self.refused = self.flagged = 0
        self._requests = requests
        self._until = until

    def next(self) -> bytes | None:
        return None if time.perf_counter() > self._until else next(self._requests, None)


class _Client(asyncio.Protocol):
    def __init__(self, sending: _Sending) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sending = sending
        self._messages = Messages()
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no such class
        self._send()

    def data_received(self, data: bytes) -> None:
        for head, _ in self._messages.feed(data):
            sending = self._sending
            sending.latencies.append(time.perf_counter() - self._since)
            sending.refused += not head.startswith(OK)
            sending.flagged += FLAG in head.lower()
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = self._sending.next()
        if request is None:
            self.done.set_result(None)
            return
        self._since = time.perf_counter()
        self._transport.write(request)
