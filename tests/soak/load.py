"""Steady load: clients that keep their connections and ask at a steady pace."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import aiohttp
import numpy as np

from tests.soak.requests import UnreadableAnswerError, in_binary, in_json, picture, read
from tests.soak.stage import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.ledger import Ledger
    from tests.soak.requests import Message
    from tests.soak.scene import Scene, Shown

TIMEOUT_S = 30.0
TOGETHER = 3
"""Images in one request of the drop-in, at most."""


def opened_session(url: str) -> aiohttp.ClientSession:
    """Return a session with as many connections as it takes."""
    timeout, connector = aiohttp.ClientTimeout(TIMEOUT_S), aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(url, timeout=timeout, connector=connector)


class Load:
    """Sends what *scene* draws over *session* and has *ledger* judge what comes back.

    *progress* tells how much of the run is over, 0 to 1.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        scene: Scene,
        ledger: Ledger,
        progress: Callable[[], float],
    ) -> None:
        self.ledger = ledger
        self._session = session
        self._scene = scene
        self._progress = progress

    async def keep_up(self, clients: int, rate: float, seed: int) -> None:
        """Ask *rate* times a second in all, without an end; who waits for an answer asks less."""
        pace = clients / rate
        await asyncio.gather(*(self._client(i, pace, i / rate, seed) for i in range(clients)))

    async def ask_one(self, rng: np.random.Generator, session: aiohttp.ClientSession) -> None:
        """Ask for one picture now, by another *session*."""
        await self._ask(session, picture, [self._scene.draw(rng, self._progress())])

    async def _client(self, number: int, pace: float, wait: float, seed: int) -> None:
        rng = np.random.default_rng((seed, number))
        due = asyncio.get_running_loop().time() + wait
        while True:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(due - now)
            due = max(due, now) + pace
            make = (picture, in_json, in_binary)[rng.integers(3)]
            count = 1 if make is picture else int(rng.integers(1, TOGETHER + 1))
            shown = [self._scene.draw(rng, self._progress()) for _ in range(count)]
            await self._ask(self._session, make, shown)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        make: Callable[[list[Shown]], Message],
        shown: list[Shown],
    ) -> None:
        message, ledger, name = make(shown), self.ledger, uuid.uuid4().hex
        headers = {**message.headers, "X-API-Key": KEY, "X-Request-Id": name}
        ledger.sent += 1
        sent = ledger.now
        try:
            request = session.post(message.path, data=message.body, headers=headers)
            async with request as response:
                body = await response.read()
            if response.headers.get("X-Request-Id") != name:
                ledger.fail("another request's id")
            elif response.status == 200:
                ledger.take(sent, shown, read(message, response.headers, body, len(shown)))
            else:
                ledger.refuse(response.status, response.content_type, body)
        except UnreadableAnswerError as exc:
            ledger.fail(f"200: {exc}")
        except (aiohttp.ClientError, TimeoutError) as exc:
            ledger.fail(type(exc).__name__)
