"""Driving a search with the model behind HTTP, for as long as the request has time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from app.detection.search import Probe, advance, refuse
from app.gateway.admission.rates import free
from app.gateway.admission.turns import Turns
from app.ports import Caller, UpstreamError, UpstreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Answers, Done, Search
    from app.ports import Arrival, InputSize, Model

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


async def drive(  # noqa: PLR0913, PLR0917  # the search, and what it is driven with
    search: Search[T],
    model: Model,
    patience_s: float,
    arrival: Arrival | None = None,
    turns: Turns | None = None,
    pay: Callable[[int], None] = free,
) -> Driven[T]:
    """Ask *model* what *search* wants to know; refuse it when *patience_s* are over.

    *arrival* is the client's image as it came, if it isn't known by its pixels alone. Where other
    searches go on it takes *turns* with them. It pays for the images before they are asked.

    The first probe holds the client's own image: if that fails there is nothing to conclude from,
    and the error is raised (UpstreamError). If a later one fails the search is refused.
    """
    try:
        return await _driven(search, model, patience_s, arrival, turns or Turns(), pay)
    finally:
        with suppress(ValueError):  # the last step of a cancelled request may be in its thread yet
            search.close()


async def _driven(  # noqa: PLR0913, PLR0917  # as above
    search: Search[T],
    model: Model,
    patience_s: float,
    arrival: Arrival | None,
    turns: Turns,
    pay: Callable[[int], None],
) -> Driven[T]:
    deadline = asyncio.get_running_loop().time() + patience_s
    threaded = _large(model.size)
    probes = shared = 0
    step = await _advanced(search, threaded=threaded)
    while isinstance(step, Probe):
        pay(len(step))
        try:
            caller = Caller(probes + shared, arrival)
            answers = await _answers(model, step, caller, deadline, patience_s)
        except UpstreamError as exc:
            if not probes:
                raise
            return Driven(refuse(search), probes, shared, exc)
        if step.shared:
            shared += len(step)
        else:
            probes += len(step)
        async with turns.turn(caller):
            step = await _advanced(search, step, answers, threaded=threaded)
    return Driven(step.result, probes, shared)


async def _answers(
    model: Model, probe: Probe, caller: Caller, deadline: float, patience_s: float
) -> Answers:
    try:
        async with asyncio.timeout_at(deadline):
            return await model.answer(probe.images, caller)
    except TimeoutError as exc:
        message = f"the answers didn't come within NEO_PATIENCE ({patience_s:g} s)"
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
