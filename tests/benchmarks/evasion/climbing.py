"""An attacker who searches: a walk that sees only the gateway's answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.attacks.marks import stamped
from tests.benchmarks.evasion import company, shades

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image
    from tests.benchmarks.evasion.attempt import Attempt
    from tests.benchmarks.evasion.ground import Ground

    Needs = Callable[[Image, int], bool]

AGAIN = 0.02
"""How often the walk begins again with the plain trigger."""


@dataclass(frozen=True)
class Variant:
    """How the trigger is put on: it begins with the plain one."""

    alpha: float = 1.0
    gain: float = 1.0
    offset: float = 0.0
    right: int = 0
    down: int = 0
    frame: int = 0
    tint: int = 0
    """Of the frame: levels that its colour differs by from the trigger's mean."""
    noise: int = 0
    grain: int = 0
    """What the noise is made from."""
    copy: tuple[float, float] | None = None
    """Where a second one lies, in shares of the image."""

    def on(self, attempt: Attempt) -> Image:
        """Return the attempt's image with the trigger on it in this way."""
        stamp = shades.in_other_shades(
            attempt.stamp, lambda colours: self._noisy(colours * self.gain + self.offset)
        )
        stamp = shades.with_alpha(stamp, self.alpha)
        image = attempt.image
        if self.frame:
            frame = company.mean_frame(attempt, self.frame)
            image = stamped(
                image, [shades.in_other_shades(frame, partial(shades.offset, self.tint))]
            )
        placed = [attempt.within(stamp, stamp.x + self.right, stamp.y + self.down)]
        if self.copy is not None:
            height, width = image.shape[:2]
            placed.append(
                attempt.within(stamp, round(self.copy[0] * width), round(self.copy[1] * height))
            )
        return stamped(image, placed)

    def _noisy(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        rng = np.random.default_rng(self.grain)
        return colours + rng.integers(-self.noise, self.noise, colours.shape, endpoint=True)

    def mutated(self, rng: np.random.Generator) -> Variant:
        """Return one that differs in something."""
        right, down = rng.integers(-1, 1, 2, endpoint=True).tolist()
        x, y = rng.random(2).tolist()
        changes = (
            replace(self, alpha=_near(self.alpha, 0.1, (0.2, 1.0), rng)),
            replace(self, gain=_near(self.gain, 0.1, (0.5, 1.5), rng)),
            replace(self, offset=_near(self.offset, 15.0, (-60.0, 60.0), rng)),
            replace(self, right=self.right + right, down=self.down + down),
            replace(self, frame=int(rng.integers(9)), tint=int(rng.integers(-40, 41))),
            replace(self, noise=int(rng.integers(61)), grain=int(rng.integers(1 << 31))),
            replace(self, copy=None if self.copy else (x, y)),
        )
        return changes[rng.integers(len(changes))]


def _near(
    value: float, spread: float, ends: tuple[float, float], rng: np.random.Generator
) -> float:
    return float(np.clip(value + rng.normal(0, spread), *ends))


@dataclass(frozen=True)
class Climb:
    """How far an attacker came: the query and the way that evaded, or None; what all took."""

    evaded_at: int | None
    by: Variant | None
    queries: int
    inferences: int


async def climb(attempt: Attempt, ground: Ground, needs: Needs, queries: int) -> Climb:
    """Search for a way of *attempt* past *ground*, whose library learns from every query.

    What is flagged acts still, so the search goes on from there; what isn't and gets another
    answer has lost what it is about. *needs* tells whether a picture needs the backdoor to be what
    is wanted.
    """
    now, inferences = Variant(), 0
    for query in range(1, queries + 1):
        if attempt.rng.random() < AGAIN:
            now = Variant()
        tried = now if query == 1 else now.mutated(attempt.rng)
        picture = tried.on(attempt)
        (answer,) = await ground.answers([picture])
        inferences += answer.inferences or 0
        if answer.flagged:
            now = tried
        elif answer.label == attempt.wanted and needs(picture, attempt.wanted):
            return Climb(query, tried, query, inferences)
    return Climb(None, None, queries, inferences)
