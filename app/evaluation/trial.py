"""One strategy on one stream, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.evaluation.records import Run, Screened, Stream
    from app.evaluation.subject import Subject
    from app.gateway.policy import Policy


class Trial:
    """The policy's strategy on *stream*, with a trigger library of its own in memory.

    ``screened`` grows image by image. The same *seed* draws the same probes.
    """

    def __init__(
        self, subject: Subject, stream: Stream, policy: Policy, seed: int, *, trigger_max: float
    ) -> None:
        self.subject, self.stream, self.policy = subject, stream, policy
        self.seed, self.trigger_max = seed, trigger_max
        self.screened: list[Screened] = []

    async def prepare(self) -> None:
        """Ask for the right answers and calibrate the references.

        Raises UpstreamError, or ReferencesError if they don't fit the model.
        """
        raise NotImplementedError

    async def screen_all(self, progress: Callable[[], None]) -> None:
        """Screen the stream, image by image; *progress* is called after each.

        Raises UpstreamError; what was screened until then stays.
        """
        raise NotImplementedError

    def record(self) -> Run:
        """Return what is known by now; any time after `prepare`."""
        raise NotImplementedError
