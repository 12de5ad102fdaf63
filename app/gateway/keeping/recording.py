"""What is kept of flagged images, behind their answers.

A flood of them, which costs an attacker one request each, is only counted: of each key and trigger
a worker lists `PER_S` images a second, ten seconds' worth at once, and the next one that is listed
says how many were not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from app import metrics
from app.gateway.admission.rates import TokenBucket
from app.gateway.outcome import Screening
from app.gateway.readiness import Part
from app.incidents import Incident, Incidents, Said, new_id
from app.ports import UnknownTriggerError
from app.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.detection.trigger import Evidence, Term
    from app.gateway.outcome import Outcome, Prediction
    from app.gateway.visit import Visit
    from app.ports import TriggerLibrary
    from app.suspects import Noted

logger = logging.getLogger(__name__)

PER_S: Final = 5.0
"""Images of one key and trigger that a worker lists a second."""

MOST_HELD: Final = 64 * 2**20
"""Bytes of images that wait to be recorded; one more isn't listed."""

DIGESTED_AT_ONCE: Final = 65_536
"""Bytes whose digest takes a tenth of a millisecond; that of more is made in a thread."""

MOST_SORTS: Final = 10_000
"""Keys and triggers whose rates are remembered."""


class Keeper(Protocol):
    """Keeps flagged images; ``problem`` says why it can't for now.

    ``told`` returns what is written beside an image of its incident, as JSON.
    """

    problem: str | None
    told: Callable[[Incident], object]

    async def keep(self, picture: bytes, incident: Incident) -> str | None:
        """Keep *picture*, a file; return its address, None where it couldn't be kept."""
        ...


class Recorder:
    """Lists flagged images in *incidents*; ``keeper`` keeps them, if there is one."""

    def __init__(
        self,
        library: TriggerLibrary,
        incidents: Incidents,
        mode: Mode = Mode.ENFORCE,
        keeper: Keeper | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._incidents = incidents
        self._mode = mode
        self._keeper = keeper
        self._clock = clock
        self._sorts: dict[tuple[str | None, str], _Sort] = {}
        self._held = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def flagged(self, visit: Visit, outcome: Outcome, *, late: bool) -> bool:
        """Record the image of *visit*; *late*: its caller was answered before it was flagged.

        Return whether it is listed.
        """
        trigger_id = outcome.trigger_id or ""
        sort = self._sort(visit.request.key, trigger_id)
        size = visit.size
        if sort.bucket.missing_s() or (self._held and self._held + size > MOST_HELD):
            sort.unlisted += 1
            metrics.INCIDENTS_UNLISTED.inc()
            return False
        sort.bucket.take(1)
        unlisted, sort.unlisted = sort.unlisted, 0
        now = self._incidents.clock()
        evidence = self._evidence(trigger_id, outcome.terms)
        metrics.INCIDENTS.inc()

        async def record() -> None:
            try:
                await self._record(visit, outcome, now, evidence, late=late, unlisted=unlisted)
            except Exception:  # a fault of ours must not end unheard
                logger.exception("a flagged image was not recorded")
            finally:
                self._held -= size

        self._held += size
        task = asyncio.create_task(record())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def write_as(self, told: Callable[[Incident], object]) -> None:
        """Have written beside each image that is kept what *told* makes of its incident."""
        if self._keeper is not None:
            self._keeper.told = told

    def answered_before(self, noted: Noted, trigger_id: str) -> None:
        """Record the image of a suspect that has become a trigger: its answer is out."""
        source = noted.source
        metrics.INCIDENTS.inc()
        now = self._incidents.clock()
        self._incidents.keep(
            Incident(
                id=new_id(now),
                at=now,
                request_id=source.request_id,
                key=source.key,
                upstream=source.upstream,
                sanitised=source.instead,
                trigger_id=trigger_id,
                screening=Screening.CLEAR.value,
                evidence=self._evidence(trigger_id, noted.suspect.terms),
                sha256=source.sha256,
                size=source.size,
                mode=self._mode.value,
                late=True,
            )
        )

    def parts(self) -> tuple[Part, ...]:
        """Return what is to be said of the keeper, among what the gateway needs."""
        if self._keeper is None:
            return ()
        return (Part("quarantine", self._keeper.problem, needed=False),)

    async def close(self) -> None:
        """Wait until what has been flagged is recorded."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _record(  # noqa: PLR0913  # all that is known of it
        self,
        visit: Visit,
        outcome: Outcome,
        now: datetime,
        evidence: Evidence | None,
        *,
        late: bool,
        unlisted: int,
    ) -> None:
        at_once = self._keeper is None and visit.size <= DIGESTED_AT_ONCE
        digest = visit.sha256 if at_once else await asyncio.to_thread(lambda: visit.sha256)
        incident = Incident(
            id=new_id(now),
            at=now,
            request_id=visit.request.request_id,
            key=visit.request.key,
            upstream=_said(outcome.upstream_prediction),
            sanitised=_said(outcome.prediction),
            trigger_id=outcome.trigger_id or "",
            screening=outcome.screening.value,
            evidence=evidence,
            sha256=digest,
            size=visit.size,
            mode=self._mode.value,
            late=late,
            unlisted=unlisted,
        )
        if self._keeper is not None:
            picture = await asyncio.to_thread(lambda: visit.picture)
            incident = replace(incident, address=await self._keeper.keep(picture, incident))
        self._incidents.keep(incident)

    def _evidence(self, trigger_id: str, terms: tuple[Term, ...]) -> Evidence | None:
        try:
            evidence = self._library.entry(trigger_id).trigger.evidence
        except UnknownTriggerError:  # a full library has no room for it
            return None
        return replace(evidence, terms=terms)

    def _sort(self, key: str | None, trigger_id: str) -> _Sort:
        named = (key, trigger_id)
        sort = self._sorts.pop(named, None) or _Sort(TokenBucket(PER_S, self._clock))
        self._sorts[named] = sort  # the one seen last stands last
        if len(self._sorts) > MOST_SORTS:
            del self._sorts[next(iter(self._sorts))]
        return sort


@dataclass
class _Sort:
    """The flagged images of one key and trigger: how many of them weren't listed since one was."""

    bucket: TokenBucket
    unlisted: int = 0


def _said(prediction: Prediction) -> Said:
    return Said(prediction.index, prediction.score)
