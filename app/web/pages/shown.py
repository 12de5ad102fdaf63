"""What holders of an admin key see on the page, gathered from all workers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.incidents import Sought
from app.ports import LibraryError
from app.web.answering.answers import answered_of, trigger_answer
from app.web.answering.incidents import audit_answer, incident_answer
from app.web.answering.suspects import suspects_answer
from app.web.pages.timeline import Timeline, timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gateway.predict import Gateway
    from app.history import History
    from app.incidents import Incidents
    from app.ports import Tally
    from app.web.answering.answers import Labels, TriggerAnswer
    from app.web.answering.incidents import ActAnswer, IncidentAnswer
    from app.web.answering.suspects import SuspectAnswer

LATEST: Final = 10
"""Flagged images that are listed, suspects, and acts of admins."""


@dataclass(frozen=True)
class Shown:
    """Counts, the last hour, triggers; what was flagged last, and done last.

    The last two are None while the store is away; ``suspects`` are those that were seen last.
    """

    tally: Tally
    answered: int
    timeline: Timeline
    triggers: Sequence[TriggerAnswer]
    dismissed: Sequence[TriggerAnswer]
    suspects: Sequence[SuspectAnswer]
    incidents: Sequence[IncidentAnswer] | None
    acts: Sequence[ActAnswer] | None


async def all_shown(gateway: Gateway, labels: Labels) -> Shown:
    """Return what is known now; what only the store knows is left out while it is away."""
    library = gateway.library
    tally = library.tally()
    minutes, incidents, acts = await asyncio.gather(  # a store that hangs is waited for once
        _timeline(gateway.history), _incidents(gateway.incidents, labels), _acts(gateway.incidents)
    )
    return Shown(
        tally,
        answered_of(tally),
        minutes,
        [trigger_answer(entry, labels) for entry in library.entries()],
        [trigger_answer(entry, labels) for entry in library.dismissed()],
        suspects_answer(gateway.suspects.likely()[:LATEST], labels).suspects,
        incidents,
        acts,
    )


async def _timeline(history: History) -> Timeline:
    try:
        return timeline(await history.all(), history.now(), shared=True)
    except LibraryError:  # the state says why
        return timeline(history.own(), history.now(), shared=False)


async def _incidents(incidents: Incidents, labels: Labels) -> Sequence[IncidentAnswer] | None:
    try:
        return [incident_answer(one, labels) for one in await incidents.sought(Sought(LATEST))]
    except LibraryError:
        return None


async def _acts(incidents: Incidents) -> Sequence[ActAnswer] | None:
    try:
        return audit_answer(await incidents.acts()).acts[:LATEST]
    except LibraryError:
        return None
