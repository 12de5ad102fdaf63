"""What becomes of a batch at the server: dealt out by counting, or asked again in smaller requests.

All or nothing: a request's answers are used only where there are exactly as many as images. What
may be too many images for the server is halved, down to one: what it then takes is remembered
(`capacity`), and one image that is refused alone has its own error. So a refusal that isn't about
the size costs six requests more and ends as it always did. Where the content of one caller's images
may have been the cause, each caller's are asked alone: nobody pays for another one's image.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from app.logs import told
from app.ports import UpstreamAnswerError, UpstreamStatusError
from app.upstream.capacity import Lesson
from app.upstream.http.guard import count_failure
from app.upstream.parts import joined

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.ports import Caller
    from app.upstream.capacity import Capacity
    from app.wire.trace import Trace

logger = logging.getLogger(__name__)

Batch: TypeAlias = "NDArray[Any]"
"""Images as the model takes them: (n, ...)."""

OVERLOADED: Final = frozenset({429, 503})
"""Statuses that say nothing about the content: asking again at once would make it worse."""

TOO_MANY: Final = frozenset({400, 413, 422, 424, 500, 507})
"""Statuses of servers that are sent more than they take at once.

424 is SageMaker's for 500, and 507 TorchServe's for a worker without memory.
"""


class Part(Protocol):
    """What one caller wants answered."""

    batch: Batch
    answers: asyncio.Future[Answers]
    caller: Caller


@dataclass(eq=False)
class _Owed:
    """A part that isn't answered yet, and what it has of its answers."""

    part: Part
    got: list[Answers] = field(default_factory=list)
    begun: int = 0

    @property
    def left(self) -> int:
        """How many of its images aren't answered."""
        return len(self.part.batch) - self.begun


class Flight:
    """Parts that share a slot, and so a request if the server takes them together.

    *ask* gets a batch, and the trace that all of its images are of, if that is one.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        ask: Callable[[Batch, Trace | None], Awaitable[Answers]],
        capacity: Capacity,
    ) -> None:
        self._owed = deque(map(_Owed, parts))
        self._ask = ask
        self._capacity = capacity
        self._most = sum(len(part.batch) for part in parts)
        self._taken = 0
        self._refusal: tuple[int, UpstreamStatusError] | None = None
        self._alone = self._unproven = False

    async def land(self) -> None:
        """Give each part its answers, or the error that there was."""
        learning = False
        try:
            while self._drop_given_up():
                aboard = self._aboard(min(self._most, self._capacity.most))
                try:
                    answers = await self._asked(aboard)
                except Exception as exc:  # noqa: BLE001  # a defect, too, is raised where it is waited for
                    self._failed(aboard, exc)
                    if self._refusal is not None and not learning:
                        before = self._capacity.most
                        learning = await self._capacity.learning.acquire()
                        self._unproven |= self._capacity.most < before  # another one has learnt
                else:
                    self._deal(aboard, answers)
            self._conclude()
        finally:
            if learning:
                self._capacity.learning.release()

    def _drop_given_up(self) -> bool:
        """Say if somebody waits for answers yet; leave out who doesn't."""
        waiting = [owed for owed in self._owed if not owed.part.answers.done()]
        if len(waiting) < len(self._owed):
            self._unproven = True
            self._owed = deque(waiting)
        return bool(self._owed)

    def _aboard(self, most: int) -> list[tuple[_Owed, int]]:
        """Return who is asked for next, with how many images each."""
        aboard: list[tuple[_Owed, int]] = []
        for owed in self._owed:
            count = min(owed.left, most)
            aboard.append((owed, count))
            most -= count
            if not most or self._alone:
                break
        return aboard

    async def _asked(self, aboard: Sequence[tuple[_Owed, int]]) -> Answers:
        batches = [owed.part.batch[owed.begun : owed.begun + count] for owed, count in aboard]
        batch = batches[0] if len(batches) == 1 else np.concatenate(batches)
        traces = {owed.part.caller.trace for owed, _ in aboard}
        answers = await self._ask(batch, traces.pop() if len(traces) == 1 else None)
        if len(answers) != len(batch):
            message = f"the upstream gave {len(answers)} answers to {len(batch)} images"
            raise UpstreamAnswerError(message)
        return answers

    def _deal(self, aboard: Sequence[tuple[_Owed, int]], answers: Answers) -> None:
        self._taken = max(self._taken, len(answers))
        self._capacity.took(len(answers))
        start = 0
        for owed, count in aboard:
            owed.got.append(answers[start : start + count])
            owed.begun += count
            start += count
            if owed.left:
                continue
            self._owed.remove(owed)
            if not owed.part.answers.done():
                self._give(owed)

    def _give(self, owed: _Owed) -> None:
        try:
            owed.part.answers.set_result(joined(owed.got))
        except UpstreamAnswerError as exc:
            self._fail([owed], exc)

    def _failed(self, aboard: Sequence[tuple[_Owed, int]], error: Exception) -> None:
        """Ask for less from now on, or give up what has failed."""
        if isinstance(error, UpstreamAnswerError):
            count_failure(error)
        count = sum(images for _, images in aboard)
        if count > 1 and isinstance(error, UpstreamStatusError) and error.status in TOO_MANY:
            self._most, self._taken = (count + 1) // 2, 0
            self._refusal = count, error
        elif not content_may_be_the_cause(error):
            self._fail(list(self._owed), error)
        elif len(aboard) > 1:
            self._alone = True
        else:
            self._fail([owed for owed, _ in aboard], error)

    def _fail(self, failed: Sequence[_Owed], error: Exception) -> None:
        self._unproven = True
        logger.warning("the model server gave no answer: %s", told(error))
        for owed in failed:
            if owed in self._owed:
                self._owed.remove(owed)
            if not owed.part.answers.done():
                owed.part.answers.set_exception(error)
                owed.part.answers.exception()  # a call of several parts hears of the first only

    def _conclude(self) -> None:
        """Remember what was refused and taken, if that is all that there was."""
        if self._refusal is not None and self._taken and not self._unproven:
            count, error = self._refusal
            lesson = Lesson(count, self._taken, error.status, error.body_bytes)
            self._capacity.take_note(lesson)


def content_may_be_the_cause(error: Exception) -> bool:
    """Say if *error* may be of what was asked, and not of the server's state."""
    match error:
        case UpstreamStatusError(status=status):
            return status not in OVERLOADED
        case UpstreamAnswerError():
            return True
        case _:
            return False
