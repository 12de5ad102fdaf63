"""Driving a search with the model behind HTTP, for as long as the request has time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from app.deadlines import until
from app.detection.search import Done, Probe, advance, refuse
from app.gateway.admission.turns import Turns
from app.ports import BACKGROUND, NOBODY, Caller, UpstreamError, UpstreamTimeoutError
from app.tracing import span
from app.values import value_class

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from app.detection.search import Answers, Search
    from app.gateway.visit import Visit
    from app.ports import Model

T = TypeVar("T")

PIXELS_AT_ONCE = 128 * 128
"""Larger images are worked on in a thread: building their probes takes tens of milliseconds."""


@value_class(frozen=True)
class Driven(Generic[T]):
    """What a search concluded, what it cost, and why it was cut off if it was.

    ``probes`` counts the images asked for this one, itself included; ``shared`` those whose answers
    are kept for all (placebo rates). ``goes_on``: the answer can't wait for the search, which is
    continued in the background.
    """

    result: T
    probes: int
    shared: int
    cut_off: UpstreamError | None = None
    goes_on: bool = False


class Course(Generic[T]):
    """A search under way for *visit*: what it has cost, and what it waits for.

    ``large``: its steps take long. ``background``: nobody waits for its end any more.
    """

    def __init__(self, search: Search[T], visit: Visit) -> None:
        self.search = search
        self.visit = visit
        self.probes = self.shared = 0
        self.step: Probe | Done[T] | None = None
        height, width = visit.image.shape[:2]
        self.large = height * width > PIXELS_AT_ONCE
        self.background = False

    def caller(self, probe: Probe) -> Caller:
        """Return whom a part of one is asked for: what is for all has nothing of the visitor."""
        spent = BACKGROUND.spent if self.background else self.probes + self.shared
        visit = self.visit
        behind = visit.said is not None
        if probe.for_all:
            return Caller(spent + behind, behind=behind)
        return Caller(
            spent + behind, visit.arrival, probe.origins, visit.selection, behind, visit.trace
        )

    def driven(self, result: T, cut_off: UpstreamError | None = None) -> Driven[T]:
        """Return this *result* with what it has cost."""
        return Driven(result, self.probes, self.shared, cut_off, self.background)

    def close(self) -> None:
        """End it, whatever it waits for."""
        try:
            self.search.close()
        except ValueError:  # if it was cancelled its last step may be in its thread yet
            return


BEHIND: Final = Caller(behind=True)
"""Who has an answer, and whose image is examined behind it."""


def _ends(_: Course[T]) -> T | None:
    return None


class Driver:
    """Drives searches: asks *model* what they want to know, each for *patience_s* at most.

    Long ones take *turns* with one another: by default so that others are served between them.
    """

    def __init__(self, model: Model, patience_s: float, turns: Turns | None = None) -> None:
        self._model = model
        self._patience_s = patience_s
        self._turns = turns or Turns()

    async def drive(
        self,
        search: Search[T],
        visit: Visit,
        go_on: Callable[[Course[T]], T | None] = _ends,
    ) -> Driven[T]:
        """Drive *search* to its end for *visit*, which pays; refuse it when patience is over.

        The first probe holds the client's own image: if that fails there is nothing to conclude
        from, and the error is raised (UpstreamError). It isn't asked for again what it has said of
        that image alone. If a later one fails the search is refused.
        But when patience is over *go_on* may take it: it returns what to conclude for now if so.
        """
        course = Course(search, visit)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s

        async def answers(probe: Probe, caller: Caller) -> Answers:
            images = len(probe.images)
            if visit.said is not None and not course.probes and images == 1:
                return visit.said
            visit.pay(images)
            try:
                with until(deadline, loop):
                    said = await self._model.answer(probe.images, caller)
            except TimeoutError as exc:
                message = f"the answers didn't come within NEO_PATIENCE ({self._patience_s:g} s)"
                raise UpstreamTimeoutError(message) from exc
            if visit.said is None and not course.probes:
                visit.timing.answered()
            return said

        waits = visit.said is None
        self._turns.waited += waits
        try:
            return course.driven(await self.finish(course, answers))
        except UpstreamError as exc:
            if not course.probes:
                raise
            so_far = go_on(course) if loop.time() >= deadline else None
            return course.driven(refuse(search) if so_far is None else so_far, exc)
        finally:
            self._turns.waited -= waits
            if not course.background:
                course.close()

    async def finish(
        self, course: Course[T], ask: Callable[[Probe, Caller], Coroutine[Any, Any, Answers]]
    ) -> T:
        """Drive the search of *course* from where it is to its end; return its result.

        Raises what *ask* raises; then it still waits for that probe's answers.
        """
        if course.step is None:
            first = NOBODY if course.visit.said is None else BEHIND
            course.step = await self._next(course, first)
        while isinstance(course.step, Probe):
            probe = course.step
            parts = [(part, course.caller(part)) for part in probe.parts]
            images = len(probe.images)  # not its own length, which is a call
            with span("round", images=images, purpose=probe.purpose):
                answers = await _all_of([ask(part, caller) for part, caller in parts])
            course.shared += probe.for_all
            course.probes += images - probe.for_all
            course.step = await self._next(course, parts[0][1], probe, answers)
        return course.step.result

    async def _next(
        self,
        course: Course[T],
        caller: Caller,
        probe: Probe | None = None,
        answers: Answers | None = None,
    ) -> Probe | Done[T]:
        """Return the next step of *course*; of a long search, once its turn has come."""
        if not course.large and self._turns.at_once(caller):  # as nearly all
            return advance(course.search, probe, answers)
        async with self._turns.turn(caller):
            return await _advanced(course.search, probe, answers, threaded=course.large)


async def _all_of(asking: Sequence[Coroutine[Any, Any, Answers]]) -> Answers:
    """Return the answers to the parts of a probe, which are asked at the same time.

    If one fails the other is given up. Raises what the first that failed did.
    """
    if len(asking) == 1:  # as nearly always
        return await asking[0]
    tasks = [asyncio.ensure_future(one) for one in asking]
    try:
        own, for_all = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return own.beside(for_all.labels)


async def _advanced(
    search: Search[T],
    probe: Probe | None,
    answers: Answers | None,
    *,
    threaded: bool,
) -> Probe | Done[T]:
    if not threaded:
        return advance(search, probe, answers)
    # Not cancelled half-way: a generator that runs in a thread can't be closed.
    return await asyncio.shield(asyncio.to_thread(advance, search, probe, answers))
