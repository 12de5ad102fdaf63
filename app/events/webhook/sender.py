"""Sends the events of all workers: by one of them at a time, in their order, at least once.

Who sends holds a lease in the store, where it also stands up to which event all are sent; when it
dies the next one goes on from there. While the store is away every worker sends its own events,
each once, and the store hears of that when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from app import metrics
from app.events.fleet import is_later
from app.events.webhook.echoes import Echoes
from app.events.webhook.messages import SENT
from app.events.webhook.patience import Outcome, Patience
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.events.fleet import Fleet, Stream, Told
    from app.events.source import Event
    from app.events.webhook.courier import Courier

logger = logging.getLogger(__name__)

IDLE_S: Final = 5.0
"""Between two looks into the store where nothing is heard."""

TURN_S: Final = 1.0
"""Between two attempts to be the one that sends, and two while the store is away."""

START: Final = "0-0"


class Sender:
    """One worker's part: gives what *fleet* tells to the *courier*.

    *clock* tells the store's time: by it an event is too old, whatever its teller's machine says.
    """

    def __init__(
        self,
        fleet: Fleet,
        courier: Courier,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._fleet = fleet
        self._courier = courier
        self._echoes = Echoes()
        self._stirred = asyncio.Event()
        self._has_sent = False
        self._own_patience: Patience | None = None
        self._own_at = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send until the block ends; what is under way then is sent again by the next one."""
        stop = self._fleet.hear(self._hear)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            stop()
            # Under Python 3.11 redis-py now and then swallows a cancellation.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.1)

    def _hear(self, _: Told) -> None:
        self._stirred.set()

    async def _run(self) -> None:
        while not self._courier.gone:
            try:
                await self._take_turn()
            except LibraryError:  # it is told by the library
                await self._send_own()
            except Exception:  # a fault of ours must not end the alarms
                logger.exception("sending events failed")
            await asyncio.sleep(TURN_S)

    async def _take_turn(self) -> None:
        """Send for all, if nobody else does, as long as that is so. Raises LibraryError."""
        stream = self._fleet.stream
        if stream is None:
            return
        async with stream.sending() as held:
            if not held:
                return
            place = await self._beginning(stream)
            while held:
                self._stirred.clear()
                some = await stream.since(place)
                for told in some:
                    if not (told.sent or await self._sent(told, held)):
                        return
                    place = told.place
                    await stream.keep_sent_until(place)
                if not some:
                    if is_later(place, await stream.newest()):  # it has begun anew
                        place = START
                        continue
                    with suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self._stirred.wait()

    async def _beginning(self, stream: Stream) -> str:
        """Return up to which place all are sent; events from before the first sender are nobody's.

        Who has sent goes through all that a store has which has lost the place.
        """
        place, newest = await stream.sent_until(), await stream.newest()
        if place is None or is_later(place, newest):  # as in a store that is behind another one
            place = START if self._has_sent else newest
            await stream.keep_sent_until(place)
        self._has_sent = True
        return place

    async def _sent(self, told: Told, held: object) -> bool:
        """Send it, as often as it takes; return False if that is not for us to do any more."""
        event = told.event
        if not self._is_due(event):
            return True
        now = self._clock()
        patience = _patience(now - _age(told.place, now))
        while held:
            result, asked_s = await self._courier.deliver(event)
            if result is Outcome.GONE:
                return False
            if result is Outcome.SENT or patience.is_over(result, self._clock()):
                self._end(event, result)
                return True
            await _pause(patience.pause_s(asked_s), held)
        return False

    async def _send_own(self) -> None:
        """Send what this worker has told and can't share, as far as the receiver takes it."""
        clock = asyncio.get_running_loop().time
        for waiting in tuple(self._fleet.rare):
            if clock() < self._own_at or self._courier.gone:
                return
            if waiting.sent or not self._is_due(waiting.event):
                continue
            result, asked_s = await self._courier.deliver(waiting.event)
            if result is Outcome.SENT:
                waiting.sent, self._own_patience = True, None
                self._end(waiting.event, result)
            else:
                self._own_patience = self._own_patience or _patience(self._clock())
                self._own_at = clock() + self._own_patience.pause_s(asked_s)

    def _is_due(self, event: Event) -> bool:
        return event.kind in SENT and not self._echoes.has(event)

    def _end(self, event: Event, result: Outcome) -> None:
        self._echoes.note(event)
        if result is not Outcome.SENT:
            metrics.WEBHOOKS.labels("given-up").inc()
            logger.error("NEO_WEBHOOK_URL: event %s is given up", event.id)


def _patience(at: datetime) -> Patience:
    return Patience(at, random.Random())  # noqa: S311  # nobody gains by guessing it


def _age(place: str, now: datetime) -> timedelta:
    """Return for how long the store has had what stands at *place*, which begins with the time."""
    age_ms = now.timestamp() * 1000 - int(place.partition("-")[0])
    return timedelta(milliseconds=min(max(age_ms, 0), 1e12))


async def _pause(seconds: float, held: object) -> None:
    """Wait, unless it becomes somebody else's turn."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while held and (left := end - loop.time()) > 0:  # noqa: ASYNC110  # a lease is lost unheard
        await asyncio.sleep(min(left, TURN_S))
