"""What the gateway makes of one image."""

from __future__ import annotations

import enum
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from app.values import value_class

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from app.detection.trigger import Term


Outputs: TypeAlias = "Callable[[Collection[str] | None], Mapping[str, NDArray[Any]]]"


class Screening(enum.StrEnum):
    """How far an image was examined."""

    CLEAR = "clear"
    """Screened for new triggers; none found."""
    DISCOVERED = "discovered"
    """This image revealed a new trigger."""
    KNOWN_TRIGGER = "known-trigger"
    """It carries a trigger of the library."""
    SUSPICIOUS = "suspicious"
    """None was found, and it may carry one without a place: its answer stays the upstream's."""
    PASSED = "passed"
    """The known triggers were checked; it wasn't drawn for screening."""
    INCOMPLETE = "incomplete"
    """It could not be examined to the end, and the failure policy is `open`."""
    PENDING = "pending"
    """Monitor mode: it is answered, and examined behind that."""
    OFF = "off"
    """The gateway is a plain proxy."""

    __hash__ = str.__hash__  # an enumeration's own is a call of Python, and all that counts asks it


SEARCHED: Final = frozenset({Screening.CLEAR, Screening.DISCOVERED, Screening.SUSPICIOUS})
"""Of an image that was searched for new triggers to the end."""


@value_class(frozen=True)
class Prediction:
    """A class index, and its score where the upstream gives scores."""

    index: int
    score: float | None


@value_class(frozen=True)
class Outcome:
    """The sanitised prediction for one image, and how it came about.

    ``upstream_prediction`` is what the model said of the image as it came. ``probes`` counts the
    images that were asked of the upstream for this one, itself included. ``outputs`` returns what
    the model said of the image that ``prediction`` is of, by name, each (1, ...): of these names,
    or all; it raises UnscreenedError where one can't stand for the sanitised prediction.
    ``terms`` are those of the sum of evidence, where the image carries a trigger.
    """

    prediction: Prediction
    upstream_prediction: Prediction
    screening: Screening
    trigger_id: str | None
    probes: int
    outputs: Outputs = field(default=lambda _: {}, compare=False)
    terms: tuple[Term, ...] = ()

    @property
    def backdoor(self) -> bool:
        """Whether the image carries a trigger."""
        return self.trigger_id is not None


@value_class(frozen=True)
class Monitored(Outcome):
    """The upstream's own prediction, in monitor mode; the rest says what `enforce` would have done.

    ``would_answer`` is None where that is to refuse, and where it isn't known: `PENDING`, or
    `INCOMPLETE`.
    """

    would_answer: Prediction | None = None


class UnscreenedError(Exception):
    """The image could not be examined to the end, and the failure policy is `closed`."""


class LockedOutError(UnscreenedError):
    """It is like pictures of the same caller that were flagged too often, a moment ago.

    It is answered again after ``retry_after_s``.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
