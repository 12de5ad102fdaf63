"""Monitor mode: the upstream's own answer goes out at once, and the image is screened behind it.

It is screened as `enforce` does it: by the same patience, on the same account, with the same
knowledge gained. Whoever asks for the verdict waits for it; for the others there is a bound on what
goes on behind answers. What is beyond it, or ends with the worker, isn't screened, and counted.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from app import metrics
from app.failures import PortError
from app.gateway.outcome import Monitored, Outcome, Screening, UnscreenedError
from app.gateway.outputs import sanitised_outputs
from app.gateway.policy import prediction
from app.gateway.readiness import Part

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.detection.search import Answers
    from app.gateway.visit import Visit

logger = logging.getLogger(__name__)

TOGETHER: Final = 8
"""Images that are screened behind their answers at the same time; the others wait. With more a
search on photographs wouldn't end within its patience, in its share of the CPU time."""

MOST_BEHIND: Final = 2_000
"""Images whose answers are out, those that wait included."""

MOST_BYTES: Final = 64 * 2**20
"""The same, in bytes of their pixels and of what was sent."""


MONITORS: Final = "NEO_MODE is monitor: nothing is corrected or refused"


class _Would(enum.StrEnum):
    """What `enforce` would have done with an image."""

    PASS = "pass"  # noqa: S105  # no password
    CORRECT = "correct"
    REFUSE = "refuse"
    UNKNOWN = "unknown"
    """It wasn't screened, as too much went on behind answers, or the worker ended."""


_COUNTS: Final = {would: metrics.MONITORED.labels(would.value) for would in _Would}


class Monitor:
    """Answers with what the model says; *judge* says behind that what `enforce` makes of it.

    *count* counts an image that isn't judged.
    """

    def __init__(
        self,
        judge: Callable[[Visit], Awaitable[Outcome]],
        count: Callable[[Outcome], object] = lambda _: None,
    ) -> None:
        self._judge = judge
        self._count = count
        self._places = asyncio.Semaphore(TOGETHER)
        self._behind: dict[asyncio.Task[Monitored], int] = {}
        self._bytes = 0
        self._ended = False
        self._dropped = 0

    async def answer(self, visit: Visit, said: Answers) -> Monitored:
        """Return the answer for the image of *visit*, of which the model has *said* so much."""
        own = _own(said)
        if visit.pay.exhausted or visit.arrival.refused:
            return self._unjudged(own, _Would.REFUSE)
        waits = visit.wait_s is None or visit.wait_s > 0
        judged = self._begun(replace(visit, said=said), own, waits=waits)
        if judged is None:
            return self._unjudged(own, _Would.UNKNOWN)
        if waits:
            await self._waited(judged, visit.wait_s)
        if judged.cancelled():
            return replace(own, screening=Screening.INCOMPLETE)
        return judged.result() if judged.done() else own

    def part(self) -> Part:
        """Return what is to be said of the mode, among what the gateway needs."""
        note = MONITORS
        if self._dropped:
            note += f"; {self._dropped} images of this worker's weren't screened, as too many came"
        return Part("mode", None, needed=False, note=note)

    def end(self) -> None:
        """End what goes on behind answers, and screen no more."""
        self._ended = True
        for task in self._behind:
            task.cancel()

    async def close(self) -> None:
        """End what goes on, and wait until it has ended."""
        self.end()
        if self._behind:
            await asyncio.wait(self._behind)

    async def _waited(self, judged: asyncio.Task[Monitored], wait_s: float | None) -> None:
        """Wait for *judged*; once nobody does it goes on only where there is a place for it."""
        try:
            await asyncio.wait({judged}, timeout=wait_s)
        finally:
            if not judged.done():
                await self._left(judged)

    async def _left(self, judged: asyncio.Task[Monitored]) -> None:
        """Have *judged* go on as one of those behind their answers, or end where they are enough.

        It doesn't wait for a place as they do: it has asked for a part of its answers by now.
        """
        if self._full or self._places.locked():
            self._dropped += 1
            judged.cancel()
        else:
            await self._places.acquire()  # at once
            judged.add_done_callback(lambda _: self._places.release())

    @property
    def _full(self) -> bool:
        return len(self._behind) >= MOST_BEHIND or self._bytes >= MOST_BYTES

    def _begun(
        self, visit: Visit, own: Monitored, *, waits: bool
    ) -> asyncio.Task[Monitored] | None:
        """Begin to screen behind the answer, if there is room: there always is for who *waits*."""
        if self._ended or (self._full and not waits):
            self._dropped += not self._ended
            return None
        place = nullcontext() if waits else self._places
        task = asyncio.create_task(self._judged(visit, own, place))
        task.add_done_callback(partial(self._finished, own=own))
        self._behind[task] = visit.image.nbytes + visit.size
        self._bytes += self._behind[task]
        metrics.MONITOR_BEHIND.set(len(self._behind))
        return task

    def _finished(self, task: asyncio.Task[Monitored], *, own: Monitored) -> None:
        self._bytes -= self._behind.pop(task)
        metrics.MONITOR_BEHIND.set(len(self._behind))
        if task.cancelled():
            self._unjudged(own, _Would.UNKNOWN)

    async def _judged(
        self,
        visit: Visit,
        own: Monitored,
        place: asyncio.Semaphore | nullcontext[None],
    ) -> Monitored:
        try:
            async with place:
                would = await self._judge(visit)
        except (UnscreenedError, PortError):
            return self._unjudged(own, _Would.REFUSE)
        except Exception:  # a fault of ours, which `enforce` would have answered with 500
            logger.exception("screening an image behind its answer failed")
            return self._unjudged(own, _Would.REFUSE)
        _COUNTS[_Would.CORRECT if would.backdoor else _Would.PASS].inc()
        return replace(
            own,
            screening=would.screening,
            trigger_id=would.trigger_id,
            probes=would.probes,
            would_answer=would.prediction,
        )

    def _unjudged(self, own: Monitored, would: _Would) -> Monitored:
        """Count an image of which there is no verdict, and won't be; return its answer."""
        answer = replace(own, screening=Screening.INCOMPLETE)
        _COUNTS[would].inc()
        metrics.IMAGES.inc(answer.screening.value)
        self._count(answer)
        return answer


def _own(said: Answers) -> Monitored:
    """Return what was *said*, as the answer; nothing is known of the image."""
    answer = prediction(said)
    outputs = partial(sanitised_outputs, said, said)
    return Monitored(answer, answer, Screening.PENDING, None, 1, outputs)
