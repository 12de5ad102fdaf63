"""Clients that mean no good, each for a while; what they are answered is counted."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import orjson

from tests.faults.tiny_server import NAME
from tests.files import huge_png
from tests.soak.faults import Fault
from tests.soak.load import opened_session
from tests.soak.stage import KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import numpy as np

    from tests.soak.load import Load
    from tests.soak.stage import Stage

ATTACKERS = 8
TRICKLING = 60
BURST = 500
PAUSE_S = 0.02
DROP_S = 0.5
WITH_KEY = {"X-API-Key": KEY}
PICTURE = {**WITH_KEY, "Content-Type": "image/png"}
JSON = {**WITH_KEY, "Content-Type": "application/json"}
INFER = f"/v2/models/{NAME}/infer"

DEEP = b"[" * 100_000
HUGE = orjson.dumps(
    {"inputs": [{"name": "input", "datatype": "FP32", "shape": [1 << 62, 9], "data": []}]}
)
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nxn--'
    + b"a" * 900_000
    + b"\r\n--b--\r\n"
)
AS_IDNA = {**WITH_KEY, "Content-Type": "multipart/form-data; boundary=b; charset=idna"}
UPGRADING = {**PICTURE, "Connection": "Upgrade", "Upgrade": "h2c"}
BOMBS = (
    ("/predict", AS_IDNA, FORM),
    ("/predict", UPGRADING, huge_png()),
    ("/predict", JSON, b'{"image": ' + DEEP),
    (INFER, JSON, b'{"inputs": ' + DEEP),
    (INFER, JSON, orjson.dumps({"inputs": [], "outputs": [{"name": "scores"}] * 10_000})),
    (INFER, JSON, HUGE),
    (INFER, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(bytes(50 << 20))),
    ("/predict", PICTURE, huge_png()),
)


def client_faults(load: Load) -> Iterator[Fault]:
    """Return what other clients do while *load* goes on."""
    yield Fault("flood of garbage", partial(_flood, load, _garbage))
    yield Fault("oversize bodies", partial(_flood, load, _oversize))
    yield Fault("bombs", partial(_flood, load, _bomb))
    yield Fault("no valid key", partial(_flood, load, _no_key))
    yield Fault("trickled heads", partial(_many, _trickled_head))
    yield Fault("trickled bodies", partial(_many, _trickled_body))
    yield Fault("disconnects", partial(_many, _disconnects))
    yield Fault("burst of images", partial(_burst, load))


async def _flood(
    load: Load,
    make: Callable[[np.random.Generator], tuple[str, dict[str, str], bytes]],
    stage: Stage,
    seconds: float,
    rng: np.random.Generator,
) -> None:
    async def attack(session: aiohttp.ClientSession) -> None:
        while True:
            path, headers, body = make(rng)
            try:
                async with session.post(path, data=body, headers=headers) as response:
                    answer = await response.read()
                    load.ledger.hostile(response.status, answer)
            except aiohttp.ClientError as exc:  # cut off while it still sends
                load.ledger.hostile(0, type(exc).__name__.encode())
            await asyncio.sleep(PAUSE_S)

    timeout = aiohttp.ClientTimeout(30)
    async with aiohttp.ClientSession(stage.service.url, timeout=timeout) as session:
        await _for(seconds, [attack(session) for _ in range(ATTACKERS)])


def _garbage(rng: np.random.Generator) -> tuple[str, dict[str, str], bytes]:
    path, headers = [("/predict", PICTURE), ("/predict", JSON), (INFER, JSON)][rng.integers(3)]
    return path, headers, rng.bytes(int(rng.integers(5000)))


def _oversize(_: np.random.Generator) -> tuple[str, dict[str, str], bytes]:
    return "/predict", PICTURE, bytes(11 << 20)


def _bomb(rng: np.random.Generator) -> tuple[str, dict[str, str], bytes]:
    return BOMBS[rng.integers(len(BOMBS))]


def _no_key(_: np.random.Generator) -> tuple[str, dict[str, str], bytes]:
    return "/predict", {"Content-Type": "image/png", "X-API-Key": "guessed"}, b"what?"


async def _many(
    one: Callable[[Stage], Awaitable[None]], stage: Stage, seconds: float, _: np.random.Generator
) -> None:
    async def again() -> None:
        while True:
            with suppress(OSError):  # it has been cut, as it should be
                await one(stage)
            await asyncio.sleep(PAUSE_S)

    await _for(seconds, [again() for _ in range(TRICKLING)])


async def _trickled_head(stage: Stage) -> None:
    await _trickle(stage, b"POST /predict HTTP/1.1\r\nHost: soak\r\n", b"X-More: 1\r\n")


async def _trickled_body(stage: Stage) -> None:
    await _trickle(stage, _head(5000), b"x")


async def _trickle(stage: Stage, start: bytes, drop: bytes) -> None:
    reader, writer = await _connected(stage)
    try:
        writer.write(start)
        while not reader.at_eof():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(DROP_S)
    finally:
        writer.transport.abort()


async def _disconnects(stage: Stage) -> None:
    """Go in the middle of a body."""
    _, writer = await _connected(stage)
    writer.write(_head(5000) + bytes(2000))
    await writer.drain()
    await asyncio.sleep(PAUSE_S)
    writer.transport.abort()


async def _connected(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = stage.service.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def _head(length: int) -> bytes:
    fields = {**PICTURE, "Host": "soak", "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /predict HTTP/1.1\r\n{lines}\r\n".encode()


async def _burst(load: Load, stage: Stage, _: float, rng: np.random.Generator) -> None:
    async with opened_session(stage.service.url) as session:  # its connections end with it
        await asyncio.gather(*(load.ask_one(rng, session) for _ in range(BURST)))


async def _for(seconds: float, work: list[Awaitable[None]]) -> None:
    """Do all of *work*, which has no end, for so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*work)
