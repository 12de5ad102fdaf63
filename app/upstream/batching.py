"""Concurrent requests share upstream batches; the one that has asked least goes first.

Nobody waits while the upstream has a free slot: what arrives within one turn of the event loop is
sent together at once, and only what arrives while all slots are busy is kept and coalesced. Among
what is kept the order is by what was asked on the same caller's behalf before: so a client's own
image goes before other requests' later probes. Long searches (`Caller.long`) share batches only
with each other, and have no more than a quarter of the slots while short ones come: an image that
needs hundreds of probes holds up nobody but itself. So it is with what is asked behind an answer
(`Caller.behind`). What nobody waits for (`Caller.background`) goes last, but under lasting load,
too: one request at a time, once it has waited `OVERDUE_S`.

What becomes of a batch at the server, and of one that fails, is said in `flights`.

The queue has a bound: beyond it new callers are refused at once, and those that have begun go on.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from bisect import insort
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from app import metrics
from app.ports import NOBODY, UpstreamBusyError
from app.upstream.flights import Flight
from app.upstream.parts import joined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

    from app.detection.search import Answers
    from app.ports import Caller
    from app.upstream.capacity import Capacity
    from app.upstream.flights import Batch
    from app.wire.trace import Trace

KEPT_S = 1.0
"""How long slots are kept for short searches after one of them has asked."""

OVERDUE_S = 2.0
"""How long work in the background lets everybody pass."""


@dataclass(eq=False)
class _Waiting:
    """A part of a call: at most as many images as one request may have."""

    rank: tuple[int, int]
    key: Hashable
    batch: Batch
    capacity: Capacity
    answers: asyncio.Future[Answers]
    caller: Caller
    since: float
    long: bool
    """Whether it is of a long search, or of one that goes on behind an answer."""
    background: bool
    """Whether no client waits for it."""


class Batcher:
    """Sends batches by *ask*, at most *slots* at a time, each of one key (the tensor's form).

    *ask* gets a key, a batch (n, ...) and the trace that it is all of, if any; it returns n
    answers, or raises UpstreamError. While *most_waiting* images wait nobody new is taken.
    """

    def __init__(
        self,
        ask: Callable[[Any, Batch, Trace | None], Awaitable[Answers]],
        slots: int,
        most_waiting: float = math.inf,
    ) -> None:
        self._ask = ask
        self._most_waiting = most_waiting
        self._slots = self._free = slots
        self._long = self._background = 0
        self._short_at = -math.inf
        self._queue: list[_Waiting] = []
        self._waiting = self._told = 0
        self._numbers = itertools.count()
        self._scheduled = False
        self._flights: set[asyncio.Task[None]] = set()

    async def answer(
        self, key: Hashable, batch: Batch, capacity: Capacity, caller: Caller = NOBODY
    ) -> Answers:
        """Return the answers to *batch* (n, ...), in its order; *capacity* says what a request has.

        Cancelled, it takes what waits out of the queue. What was sent keeps its slot until it is
        answered: the upstream works on it all the same. Raises UpstreamError; UpstreamBusyError if
        nothing was sent.
        """
        if not caller.spent and self._waiting and self._waiting >= self._most_waiting:
            message = f"{self._waiting} images wait for the model already"
            raise UpstreamBusyError(message)
        loop = asyncio.get_running_loop()
        now, most = loop.time(), capacity.most
        long, background = caller.yields, caller.background
        if not long:
            self._short_at = now
        parts = []
        for start in range(0, len(batch), most):
            part = _Waiting(
                (caller.spent + start, next(self._numbers)),
                key,
                batch[start : start + most],
                capacity,
                loop.create_future(),
                caller,
                now,
                long,
                background,
            )
            parts.append(part)
            insort(self._queue, part, key=_rank)
        self._waiting += len(batch)
        self._schedule(loop)
        try:
            if len(parts) == 1:  # as nearly always
                return await parts[0].answers
            return joined([await part.answers for part in parts])
        except BaseException:
            self._forget(parts)
            raise

    async def close(self) -> None:
        """End the requests that are under way, and what waits: whoever asked hears of it."""
        waiting = self._queue
        self._keep([])
        for part in waiting:
            part.answers.cancel()
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._free:
            self._tell_waiting()
        elif not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        while self._free and (first := self._next()) is not None:
            aboard = self._boarding(first)
            self._free -= 1
            self._long += first.long
            self._background += first.background
            flight = asyncio.create_task(self._fly(aboard))
            self._flights.add(flight)
            flight.add_done_callback(partial(self._landed, first=first))
        self._tell_waiting()

    def _next(self) -> _Waiting | None:
        """Return whose turn it is, None if nobody's."""
        if not self._queue:
            return None
        if self._queue[-1].background and not self._background:
            oldest = next(part for part in self._queue if part.background)
            if oldest.since < oldest.answers.get_loop().time() - OVERDUE_S:
                return oldest
        return None if self._must_wait(self._queue[0]) else self._queue[0]

    def _must_wait(self, first: _Waiting) -> bool:
        """Say if the *first* of the queue is of a long search and a slot is kept for short ones."""
        if not first.long or self._long < max(self._slots // 4, 1):
            return False
        return first.answers.get_loop().time() < self._short_at + KEPT_S

    def _boarding(self, first: _Waiting) -> list[_Waiting]:
        """Take *first* out of the queue, and what fits beside it."""
        self._queue.remove(first)
        room, aboard, left = first.capacity.most - len(first.batch), [first], []
        for i, part in enumerate(self._queue):
            if room <= 0:
                left += self._queue[i:]
                break
            alike = part.key == first.key and part.long is first.long
            if alike and len(part.batch) <= room:
                aboard.append(part)
                room -= len(part.batch)
            else:
                left.append(part)
        self._keep(left)
        return aboard

    async def _fly(self, aboard: list[_Waiting]) -> None:
        first = aboard[0]
        try:
            await Flight(aboard, partial(self._ask, first.key), first.capacity).land()
        except asyncio.CancelledError:
            for part in aboard:
                part.answers.cancel()
            raise

    def _landed(self, flight: asyncio.Task[None], *, first: _Waiting) -> None:
        self._flights.discard(flight)
        self._free += 1
        self._long -= first.long
        self._background -= first.background
        self._schedule(flight.get_loop())

    def _forget(self, parts: Sequence[_Waiting]) -> None:
        """Take out of the queue what nobody waits for any more."""
        for part in parts:
            part.answers.cancel()  # or, if it is done, nothing
        if any(part in self._queue for part in parts):
            self._keep([part for part in self._queue if not part.answers.done()])
            self._tell_waiting()

    def _keep(self, queue: list[_Waiting]) -> None:
        self._queue = queue
        self._waiting = sum(len(part.batch) for part in queue)

    def _tell_waiting(self) -> None:
        """Tell Prometheus how many images wait: not of those that are sent in the same turn."""
        if self._waiting != self._told:
            self._told = self._waiting
            metrics.UPSTREAM_WAITING.set(self._waiting)


def _rank(part: _Waiting) -> tuple[int, int]:
    return part.rank
