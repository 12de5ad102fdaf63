"""A trigger altered in several ways at once, by chance: it begins as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.attacks.marks import stamped
from app.settings import Settings
from tests.benchmarks.evasion import company, shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image
    from tests.benchmarks.evasion.attempt import Attempt

AT_ONCE = 24
"""Alterations of one picture, at most."""

TRIGGER_MAX: float = Settings.model_fields["trigger_max"].default
"""Of an image's side, that a trigger may have to be looked for."""


@dataclass(frozen=True)
class Whole:
    """How all of a picture is altered, the trigger in it as well: it begins as it is."""

    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    """Standard deviation, in levels."""
    right: int = 0
    down: int = 0

    def of(self, picture: Image, grain: int) -> Image:
        """Return *picture* altered; its noise is made from *grain*."""
        moved = np.roll(picture, (self.down, self.right), (0, 1)).astype(np.float64)
        noise = np.random.default_rng(grain).normal(0, self.noise, picture.shape)
        levels = moved * self.gain + self.offset + noise
        altered: Image = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
        return altered

    def mutated(self, rng: np.random.Generator) -> Whole:
        """Return one that differs in something, by as much as leaves a picture what it was."""
        right, down = rng.integers(-2, 2, 2, endpoint=True).tolist()
        changes = (
            replace(self, gain=_near(self.gain, 0.1, (0.7, 1.3), rng)),
            replace(self, offset=_near(self.offset, 15.0, (-40.0, 40.0), rng)),
            replace(self, noise=_near(self.noise, 8.0, (0.0, 25.0), rng)),
            replace(self, right=right, down=down),
        )
        return changes[rng.integers(len(changes))]


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
    whole: Whole | None = None
    """How all of the picture is altered; None where it isn't."""

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
        picture = stamped(image, placed)
        return picture if self.whole is None else self.whole.of(picture, self.grain)

    def _noisy(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        rng = np.random.default_rng(self.grain)
        return colours + rng.integers(-self.noise, self.noise, colours.shape, endpoint=True)

    def mutated(self, rng: np.random.Generator) -> Variant:
        """Return one that differs in something."""
        right, down = rng.integers(-1, 1, 2, endpoint=True).tolist()
        x, y = rng.random(2).tolist()
        changes: tuple[Variant, ...] = (
            replace(self, alpha=_near(self.alpha, 0.1, (0.2, 1.0), rng)),
            replace(self, gain=_near(self.gain, 0.1, (0.5, 1.5), rng)),
            replace(self, offset=_near(self.offset, 15.0, (-60.0, 60.0), rng)),
            replace(self, right=self.right + right, down=self.down + down),
            replace(self, frame=int(rng.integers(9)), tint=int(rng.integers(-40, 41))),
            replace(self, noise=int(rng.integers(61)), grain=int(rng.integers(1 << 31))),
            replace(self, copy=None if self.copy else (x, y)),
            *(() if self.whole is None else (replace(self, whole=self.whole.mutated(rng)),) * 3),
        )
        return changes[rng.integers(len(changes))]


def altered_at_once(attempt: Attempt, *, larger: bool) -> Image:
    """Return the picture with the trigger altered in one to AT_ONCE ways.

    With its frame it may be *larger* than what is looked for, or not.
    """
    variant = Variant()
    for _ in range(attempt.rng.integers(1, AT_ONCE, endpoint=True)):
        variant = variant.mutated(attempt.rng)
    if not larger:
        room = TRIGGER_MAX * min(attempt.image.shape[:2]) - max(attempt.stamp.rgba.shape[:2])
        variant = replace(variant, frame=min(variant.frame, max(0, int(room / 2))))
    return variant.on(attempt)


def _near(
    value: float, spread: float, ends: tuple[float, float], rng: np.random.Generator
) -> float:
    return float(np.clip(value + rng.normal(0, spread), *ends))
