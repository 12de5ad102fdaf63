"""Driving a search with the model behind HTTP, for as long as the request has time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from app.deadlines import until
from app.detection.search import Probe, advance, refuse
from app.gateway.admission.turns import Turns
from app.ports import Caller, UpstreamError, UpstreamTimeoutError

if TYPE_CHECKING:
    from app.detection.search import Answers, Done, Search
    from app.gateway.visit import Visit
    from app.ports import InputSize, Model

T = TypeVar("T")

PIXELS_AT_ONCE = 128 * 128
"""Larger images are worked on in a thread: building their probes takes tens of milliseconds."""


@dataclass(frozen=True)
class Driven(Generic[T]):
    """What a search concluded, what it cost, and why it was cut off if it was.

    ``probes`` counts the images asked for this one, itself included; ``shared`` those whose answers
    are kept for all (placebo rates).
    """

    result: T
    probes: int
    shared: int
    cut_off: UpstreamError | None = None


class Driver:
    """Drives searches: asks *model* what they want to know, each for *patience_s* at most.

    Long ones take turns with one another.
    """

    def __init__(self, model: Model, patience_s: float) -> None:
        self._model = model
        self._patience_s = patience_s
        self._turns = Turns()

    async def drive(self, search: Search[T], visit: Visit) -> Driven[T]:
        """Drive *search* to its end for *visit*, which pays; refuse it when patience is over.

        The first probe holds the client's own image: if that fails there is nothing to conclude
        from, and the error is raised (UpstreamError). If a later one fails the search is refused.
        """
        try:
            return await self._driven(search, visit)
        finally:
            with suppress(ValueError):  # a cancelled request's last step may be in its thread yet
                search.close()

    async def _driven(self, search: Search[T], visit: Visit) -> Driven[T]:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        threaded = _large(self._model.size)
        probes = shared = 0
        step = await _advanced(search, threaded=threaded)
        while isinstance(step, Probe):
            visit.pay(len(step))
            caller = Caller(probes + shared, visit.arrival)
            try:
                answers = await self._answers(step, caller, deadline)
            except UpstreamError as exc:
                if not probes:
                    raise
                return Driven(refuse(search), probes, shared, exc)
            if step.shared:
                shared += len(step)
            else:
                probes += len(step)
            async with self._turns.turn(caller):
                step = await _advanced(search, step, answers, threaded=threaded)
        return Driven(step.result, probes, shared)

    async def _answers(self, probe: Probe, caller: Caller, deadline: float) -> Answers:
        try:
            with until(deadline):
                return await self._model.answer(probe.images, caller)
        except TimeoutError as exc:
            message = f"the answers didn't come within NEO_PATIENCE ({self._patience_s:g} s)"
            raise UpstreamTimeoutError(message) from exc


async def _advanced(
    search: Search[T],
    probe: Probe | None = None,
    answers: Answers | None = None,
    *,
    threaded: bool,
) -> Probe | Done[T]:
    if not threaded:
        return advance(search, probe, answers)
    # Not cancelled half-way: a generator that runs in a thread can't be closed.
    return await asyncio.shield(asyncio.to_thread(advance, search, probe, answers))


def _large(size: InputSize) -> bool:
    return size.height * size.width > PIXELS_AT_ONCE
