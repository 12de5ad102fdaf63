"""Runs made by hand, to compute figures from that can be checked on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Purpose
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.evaluation.records import Found, Run, Screened, Spent, Stamp, Stream
from app.gateway.outcome import Screening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box

SIDE = 8
TARGET = 7


@dataclass(frozen=True)
class Shot:
    """One image of a run: by default a clean one of class 1, rightly answered with one probe."""

    poisoned: bool = False
    truth: int = 1
    right: int = 1
    said: int = 1
    answer: int = 1
    suspected: bool | None = False
    screening: Screening = Screening.CLEAR
    search: int = 1
    confirm: int = 0
    trips: int = 1
    shared: int = 0


CLEAN = Shot()
CAUGHT = Shot(
    poisoned=True,
    said=TARGET,
    suspected=True,
    screening=Screening.DISCOVERED,
    search=40,
    confirm=60,
    trips=9,
)
KNOWN = Shot(
    poisoned=True, said=TARGET, suspected=True, screening=Screening.KNOWN_TRIGGER, search=6
)
MISSED = Shot(poisoned=True, said=TARGET, answer=TARGET, search=4, trips=2)
FALSE_ALARM = Shot(
    answer=2, suspected=True, screening=Screening.DISCOVERED, search=20, confirm=30, trips=6
)


def a_run(  # noqa: PLR0913  # of each run some of it matters
    shots: Sequence[Shot],
    *,
    strategy: str = "fast",
    seed: int = 0,
    attack: str | None = "patch",
    stamps: Sequence[Stamp] = (),
    found: Sequence[Found] = (),
    prepared: Spent = Spent(1000, 20, 2.0),  # noqa: B008  # frozen
    unscreened: int = 0,
) -> Run:
    """Return a run whose images went as *shots* tell; the last *unscreened* weren't reached."""
    n = len(shots)
    clean = np.zeros((n, SIDE, SIDE, 1), np.uint8)
    stream = Stream(
        clean,
        clean,
        _column([shot.truth for shot in shots]),
        np.array([shot.poisoned for shot in shots], bool),
    )
    return Run(
        model="a model",
        attack=attack,
        strategy=strategy,
        seed=seed,
        stream=stream,
        stamps=stamps,
        right=_column([shot.right for shot in shots]),
        screened=[_screened(shot) for shot in shots[: n - unscreened]],
        found=found,
        prepared=prepared,
    )


def a_stamp(x: int = 2, y: int = 3, side: int = 2) -> Stamp:
    """Return an opaque white square."""
    return Stamp("square", np.full((side, side, 4), 255, np.uint8), x, y, TARGET)


def a_trigger(box: Box, mask: NDArray[np.bool_] | None = None) -> Trigger:
    """Return a white trigger in *box*."""
    return Trigger(
        target=TARGET,
        source=None,
        box=box,
        patch=np.full((box.height, box.width, 1), 255, np.uint8),
        mask=mask,
        blocker=Blocker(box, Fill.RING),
        natural=0.0,
        image_height=SIDE,
        image_width=SIDE,
        evidence=Evidence(23, 24, placebo=0.1, heal_rate=0.9, probes=300, seed=7),
    )


def a_find(box: Box, *, name: str = "t-1", mask: NDArray[np.bool_] | None = None) -> Found:
    """Return a found trigger with two examples, of which one turns."""
    image = np.zeros((SIDE, SIDE, 1), np.uint8)
    return Found(name, a_trigger(box, mask), 3, [(image, image, 1, TARGET), (image, image, 2, 2)])


def _screened(shot: Shot) -> Screened:
    spent: Mapping[Purpose, Spent] = {
        Purpose.SEARCH: Spent(shot.search, shot.trips, 0.1),
        Purpose.CONFIRM: Spent(shot.confirm, 0, 0.2 if shot.confirm else 0.0),
    }
    flagged = shot.screening in {Screening.DISCOVERED, Screening.KNOWN_TRIGGER}
    return Screened(
        said=shot.said,
        answer=shot.answer,
        flagged=flagged,
        suspected=shot.suspected,
        screening=shot.screening,
        trigger_id="t-1" if flagged else None,
        spent=spent,
        shared=shot.shared,
    )


def _column(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
