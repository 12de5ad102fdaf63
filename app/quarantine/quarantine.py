"""Keeping flagged images: beside everything else, in a thread, and never more than there may be.

Workers don't talk about it. Each looks at all files when it has written its share of an eighth of
what there may be, and removes what is more than seven: so all together stay below eight. Before an
image that is larger than a share it makes room for one of that size by each of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from app import metrics
from app.logs import told as told_error
from app.quarantine.eviction import kept_in, surplus
from app.quarantine.names import EVIDENCE, stem_of, suffix_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import timedelta

    from app.incidents import Incident
    from app.quarantine.places import Place

logger = logging.getLogger(__name__)

PARTS: Final = 8
"""One of so many is what the workers write, all together, before one looks what has to go."""

SWEEP_S: Final = 3600.0
"""Between two looks for those whose time is over."""

PATIENCE_S: Final = 10.0
"""How long an incident waits for its image to be kept; then it is listed without it."""

MOST_WAITING: Final = 100
"""Images that wait for the thread; one more isn't kept."""


class Quarantine:
    """Keeps images at *place*: *most* bytes of all *workers*, each for so long as it *lives*.

    Nothing that fails there fails here; ``problem`` says what did, None when all is well.
    """

    def __init__(
        self,
        place: Place,
        most: int,
        lives: timedelta,
        workers: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.problem: str | None = None
        self.told: Callable[[Incident], object] = lambda incident: incident
        """What is written of an incident, as JSON."""
        self._place = place
        self._most = most
        self._lives_s = lives.total_seconds()
        self._workers = workers
        self._share = most // PARTS // workers
        self._clock = clock
        self._written = self._share  # others may have filled it
        self._thread = ThreadPoolExecutor(1, "quarantine")
        self._waiting = 0

    async def keep(self, picture: bytes, incident: Incident) -> str | None:
        """Keep *picture*, which *incident* is of; return where it is, None where it isn't kept."""
        if self._waiting >= MOST_WAITING:
            self._failed("it takes too long to write there")
            return None
        self._waiting += 1
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._thread, self._kept, picture, incident)
        writing.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(writing), PATIENCE_S)
        except TimeoutError:
            self._failed("it takes too long to write there")
            return None

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Within the block what is old goes, though nothing new comes."""
        sweeping = asyncio.create_task(self._sweep_again_and_again())
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _sweep_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._thread, self._tried)
            await asyncio.sleep(SWEEP_S)

    def _done(self, _: asyncio.Future[str | None]) -> None:
        self._waiting -= 1

    def _kept(self, picture: bytes, incident: Incident) -> str | None:
        stem = stem_of(picture, incident)
        path = f"{stem}.{suffix_of(picture)}"
        address = self._place.address(path)
        told = self.told(replace(incident, address=address))
        evidence = orjson.dumps(told, option=orjson.OPT_INDENT_2)
        size = len(picture) + len(evidence)
        if size > self._most // max(PARTS, self._workers):
            return None
        try:
            if self._written + size > self._share:
                self._sweep(size * self._workers)
            self._place.write(path, picture)
            self._place.write(f"{stem}.{EVIDENCE}", evidence)
        except Exception as exc:  # noqa: BLE001  # each store has errors of its own
            self._failed(_why(exc), exc)
            return None
        self._written += size
        self._well()
        metrics.QUARANTINED.inc()
        return address

    def _tried(self) -> None:
        """Look what has to go, and whether something can be written."""
        try:
            self._sweep()
            self._place.write(PROBE, b"")
            self._place.remove(PROBE)
        except Exception as exc:  # noqa: BLE001  # as above
            self._failed(_why(exc), exc)
        else:
            self._well()

    def _sweep(self, room: int = 0) -> None:
        """Remove what is old, and what stands in the way of so much *room*, a part at least."""
        most = self._most - max(self._most // PARTS, room)
        since_s = self._clock() - self._lives_s
        for one in surplus(kept_in(self._place.files()), most, since_s):
            for path in one.paths:
                self._place.remove(path)
        self._written = 0

    def _well(self) -> None:
        if self.problem is not None:
            logger.info("flagged images are kept again")
        self.problem = None

    def _failed(self, problem: str, error: Exception | None = None) -> None:
        metrics.QUARANTINE_FAILED.inc()
        if self.problem != problem:
            why = problem if error is None else told_error(error)
            logger.warning("flagged images can't be kept in NEO_QUARANTINE: %s", why)
        self.problem = problem


PROBE: Final = "neo-gateway"
"""A file that is written and removed at the start, to see whether that can be."""


def _why(error: Exception) -> str:
    words = (isinstance(error, OSError) and error.strerror) or type(error).__name__
    return f"NEO_QUARANTINE can't be written to: {words}"
