"""What an evaluation records of each image, and of a whole stream: facts, no judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.search import Image, Images, Purpose
    from app.detection.trigger import Trigger
    from app.gateway.outcome import Screening


@dataclass(frozen=True, eq=False)
class Stamp:
    """A true trigger: ``rgba`` (h, w, 4) uint8 at column ``x``, row ``y``, leading to ``target``.

    ``target`` is None where each class goes somewhere else (all-to-all).
    """

    name: str
    rgba: NDArray[np.uint8]
    x: int
    y: int
    target: int | None


@dataclass(frozen=True, eq=False)
class Stream:
    """Images in their order, ``poisoned`` (n,) of them with a trigger on.

    ``clean`` (n, h, w, c) are the same without it, ``labels`` (n,) their true classes.
    """

    images: Images
    clean: Images
    labels: NDArray[np.int64]
    poisoned: NDArray[np.bool_]


@dataclass(frozen=True)
class Spent:
    """Upstream inferences, the requests that they travelled in, and the time that passed."""

    inferences: int = 0
    round_trips: int = 0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.inferences + other.inferences,
            self.round_trips + other.round_trips,
            self.seconds + other.seconds,
        )


NO_ANSWER = -1


@dataclass(frozen=True)
class Screened:
    """One image of a stream: what the model said of it, what was answered, and what it cost.

    ``suspected``: something in it was taken to confirmation; None where that can't be seen (through
    a gateway). ``answer`` is NO_ANSWER where the gateway refuses one, since the image may carry a
    known trigger; its ``screening`` is INCOMPLETE then. ``spent`` is by purpose; through a gateway
    all of it is under SEARCH. ``shared`` inferences are kept as knowledge for all later images
    (placebo rates); of them only the seconds are in ``spent``. ``cpu_s`` is the CPU time of the
    search's own steps, the model's not in it; None where that can't be seen.
    """

    said: int
    answer: int
    flagged: bool
    suspected: bool | None
    screening: Screening
    trigger_id: str | None
    spent: Mapping[Purpose, Spent]
    shared: int
    cpu_s: float | None = None

    @property
    def total(self) -> Spent:
        """All that was asked for this image alone, itself included."""
        return sum(self.spent.values(), Spent())


@dataclass(frozen=True, eq=False)
class Found:
    """A trigger that was found, as the library knows it in the end, and the image that revealed it.

    ``examples`` are (a reference, the same with the trigger stamped on, what the model says of
    each): the paper's reconstructed poisoned inputs.
    """

    id: str
    trigger: Trigger
    first_seen: int
    examples: Sequence[tuple[Image, Image, int, int]]


@dataclass(frozen=True, eq=False)
class Run:
    """One strategy on one stream. It may have been stopped: then ``screened`` is shorter.

    ``attack`` is None where none is known, and nothing is poisoned.
    ``right`` (n,) is what the model says of ``stream.clean``: the answers that a perfect defence
    gives. ``prepared`` was spent once before the first image.
    """

    model: str
    attack: str | None
    strategy: str
    seed: int
    stream: Stream
    stamps: Sequence[Stamp]
    right: NDArray[np.int64]
    screened: Sequence[Screened]
    found: Sequence[Found]
    prepared: Spent
