"""Where the second pass's time goes beside decoding, and what a sure bound would spare of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.detection.archive.comparing import may_carry
from app.detection.archive.placing import at_home
from app.detection.defence import Known
from app.detection.matching import finest
from app.detection.matching.glancing import SIDES, WORTH, Copies, glanced, step_of
from app.detection.recognising.sighting import REACH, reach
from app.pictures.decoding import load
from app.ports import InputSize
from tests.benchmarks.scan.bound import SIDE, Bound, copies, windows
from tests.carried import as_file, drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.matching import Likeness
    from app.detection.search import Image
    from tests.benchmarks.scan.sets import Ground

ROUNDS = 3
"""Of which the best counts: others may use the machine."""
PLAIN = ("blocks", "photograph", "noise")
"""Kinds whose pixels are all the trigger's, and aren't all the same."""
DIRECTIONS = (4, 8, 16)

Sought = list[tuple["Likeness", "Box"]]


@dataclass(frozen=True)
class Floor:
    """Milliseconds of CPU time an image for so many ``triggers``, stage by stage.

    ``shared`` is shrinking each image once for all first copies; ``left`` the share of pairs of
    image and trigger that a stage leaves: the ``first`` copies, the ``second``; ``rest`` are finer
    copies and searches.
    """

    triggers: int
    images: int
    decoding: float
    exact: float
    shared: float
    first: float
    first_left: float
    second: float
    second_left: float
    rest: float


def floor(ground: Ground, known: tuple[Known, ...], images: int) -> Floor:
    """Measure with triggers that are *known* on so many clean *images*, stored as JPEGs."""
    rng = np.random.default_rng(0)
    size = InputSize(ground.side, ground.side, 3)
    bodies = [as_file(image, rng, share=1) for image in ground.clean[:images]]
    decoded = [load(body, size, max_pixels=10**8) for body in bodies]
    sought = [
        (one.likeness, reach(one.trigger, 1.0 if one.trigger.moves else REACH)) for one in known
    ]
    hints = list(glanced(decoded, sought))
    shared = _shared(decoded, sought)
    fits = np.stack(_first(shared, sought, decoded))
    may_carry(decoded, known, ground.references)  # what is usual of each is measured once
    stages: list[Callable[[], object]] = [
        lambda: [load(body, size, max_pixels=10**8) for body in bodies],
        lambda: list(at_home(decoded, known)),
        lambda: _shared(decoded, sought),
        lambda: _first(shared, sought, decoded),
        lambda: list(glanced(decoded, sought)),
        lambda: may_carry(decoded, known, ground.references),
    ]
    decoding, exact, shrinking, first, glances, all_of_it = (
        1000 * seconds / len(decoded) for seconds in _least(stages)
    )
    return Floor(
        triggers=len(known),
        images=len(decoded),
        decoding=decoding,
        exact=exact,
        shared=shrinking,
        first=first,
        first_left=float((fits >= WORTH).mean()),
        second=max(0.0, glances - first - shrinking),
        second_left=sum(len(one.left) for one in hints) / fits.size,
        rest=max(0.0, all_of_it - glances - exact),
    )


def _shared(images: Sequence[Image], sought: Sought) -> dict[int, Copies]:
    areas: dict[int, list[Box]] = {}
    for what, area in sought:
        areas.setdefault(step_of(what, SIDES[0], finest(images[0])), []).append(area)
    return {step: Copies(images, step, some) for step, some in areas.items()}


def _first(
    shared: dict[int, Copies], sought: Sought, images: Sequence[Image]
) -> list[NDArray[np.float32]]:
    least = finest(images[0])
    return [shared[step_of(what, SIDES[0], least)].fits(what, area)[0] for what, area in sought]


@dataclass(frozen=True)
class Spared:
    """What a sure bound leaves of all pairs by so many ``directions`` of ``numbers``.

    ``exact_left`` is what one copy of each leaves, ``is_sure`` that the bound leaves all of these
    too. Microseconds: a pair for the bound and for a glance's first copy (of each beginning in a
    coarse pixel, where the bound has one), an image for the directions.
    """

    directions: int
    numbers: int
    pairs: int
    left: float
    exact_left: float
    is_sure: bool
    bound_us: float
    copy_us: float
    directions_us: float


def spared(ground: Ground, count: int, images: int, seed: int) -> list[Spared]:
    """Measure with *count* triggers of a tenth of the side, all of one size, on clean *images*."""
    rng = np.random.default_rng(seed)
    side = round(0.1 * ground.side)
    made = [drawn(PLAIN[i % len(PLAIN)], rng, ground.side, (side, side + 1)) for i in range(count)]
    known = [Known(f"t-{i}", trigger) for i, trigger in enumerate(made)]
    sought = [(one.likeness, reach(one.trigger, REACH)) for one in known]
    seen = ground.clean[:images]
    step = step_of(known[0].likeness, SIDE, finest(seen[0]))
    of, wanted = windows(seen, step), copies([what for what, _ in sought], step)
    places = [of.within(area, step) for _, area in sought]
    shared = _shared(list(seen), sought)
    copy_s = _least([lambda: _first(shared, sought, list(seen))])[0]

    def at_most(bound: Bound) -> NDArray[np.float32]:
        within = bound.projected(of)
        fits = [bound.most(of, within, i, some) for i, some in enumerate(places)]
        return np.stack([one.reshape(-1, len(seen)).max(axis=0) for one in fits])

    exact = at_most(Bound(wanted, len(wanted)))
    found = []
    for directions in DIRECTIONS:
        bound = Bound(wanted, directions)
        most = at_most(bound)
        all_s, directions_s = _least([partial(at_most, bound), partial(bound.projected, of)])
        found.append(
            Spared(
                directions=directions,
                numbers=len(wanted) - ground.clean.shape[-1],
                pairs=exact.size,
                left=float((most >= WORTH).mean()),
                exact_left=float((exact >= WORTH).mean()),
                is_sure=bool((most >= exact - 1e-3).all()),
                bound_us=(all_s - directions_s) / exact.size * 1e6,
                copy_us=copy_s / exact.size * 1e6,
                directions_us=directions_s / len(seen) * 1e6,
            )
        )
    return found


def _least(stages: Sequence[Callable[[], object]]) -> list[float]:
    """Return seconds of CPU time of each of *stages*, in turns: the least of all rounds."""
    least = [float("inf")] * len(stages)
    for _ in range(ROUNDS):
        for i, stage in enumerate(stages):
            since = time.process_time()
            stage()
            least[i] = min(least[i], time.process_time() - since)
    return least
