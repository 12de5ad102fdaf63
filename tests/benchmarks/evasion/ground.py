"""Where attacks are tried: a defence whose library can be set, and what a client hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.evaluation.attacks.marks import stamped
from tests.benchmarks.evasion.attempt import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.evaluation.records import Stamp


@dataclass(frozen=True)
class Answer:
    """What a client hears, and the inferences and rounds that it took, where that is told.

    ``label`` is None where the image was refused.
    """

    label: int | None
    flagged: bool
    inferences: int | None
    rounds: int | None = None


@dataclass(frozen=True, eq=False)
class World:
    """What the library holds: triggers, the newest first, and older ones that were dismissed."""

    triggers: Sequence[Trigger] = ()
    dismissed: Sequence[Trigger] = ()


class Ground(Protocol):
    """A defence with one secret; ``door`` is how images go in."""

    door: str

    @property
    def together(self) -> int:
        """How many images go in one request."""
        ...

    async def reset(self, world: World) -> None:
        """Let the library hold *world* and nothing else."""
        ...

    async def answers(self, images: Sequence[NDArray[Any]]) -> list[Answer]:
        """Answer one request's *images*, each (h, w, c); the library learns from them."""
        ...

    async def learnt(self) -> list[Trigger]:
        """Return the triggers that the library holds by now, newest first."""
        ...


def as_entry(stamp: Stamp, wanted: int, shape: tuple[int, ...]) -> Trigger:
    """Return *stamp* as a gateway would keep it that found it on images (h, w, c) of *shape*."""
    box = box_of(stamp)
    image = stamped(np.zeros(shape, np.uint8), [stamp])
    return Trigger(
        target=wanted,
        source=None,
        box=box,
        patch=image[box.rows, box.columns],
        mask=stamp.rgba[..., 3] > 0,
        blocker=Blocker(box, Fill.RING),
        natural=0.0,
        image_height=shape[0],
        image_width=shape[1],
        evidence=Evidence(10, 10, placebo=0.0, heal_rate=1.0, probes=300, seed=0),
    )
