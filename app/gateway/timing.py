"""What a request has waited for: the model's answer to its images, and their screening."""

from __future__ import annotations

from time import perf_counter


class Timing:
    """The images of one request, from the first one's beginning to the last one's end."""

    __slots__ = ("_answered", "_begun", "_ended")

    def __init__(self) -> None:
        self._begun = self._answered = self._ended = 0.0

    def begin(self) -> None:
        """Begin with an image."""
        if not self._begun:
            self._begun = perf_counter()

    def answered(self) -> None:
        """Hear that the model has answered for an image itself."""
        self._answered = perf_counter()

    def end(self) -> None:
        """Be done with an image."""
        self._ended = perf_counter()

    @property
    def milliseconds(self) -> tuple[float, float]:
        """How long the model took for all images, or didn't answer; and everything from then on."""
        answered = self._answered or self._ended
        return (answered - self._begun) * 1e3, (self._ended - answered) * 1e3
