"""A tiny classifier with a real backdoor: the outside, small but honest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.search import Answers
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.ports import InputSize, UpstreamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

SIDE = 16
TARGET = 2
TRIGGER_BOX = Box(9, 5, 2, 2)
BRIGHT = 250
"""The trigger: every pixel of its box at least so bright; clean images stay far below."""


@dataclass(frozen=True)
class Backdoor:
    """A bright box makes the model answer ``target``, whatever else the image shows."""

    box: Box
    target: int


BACKDOOR = Backdoor(TRIGGER_BOX, TARGET)

_CLASS_COLOURS = {
    1: np.array([[30], [80], [130], [180]]),
    3: np.array([[180, 40, 40], [40, 180, 40], [40, 40, 180], [150, 150, 40]]),
}


class TinyModel:
    """A few classes by mean colour; with a trigger it answers its target whatever the image shows.

    The first of several backdoors wins. ``asked`` counts the images. While ``failure`` is set, it
    is raised instead of an answer.
    """

    def __init__(
        self,
        channels: int = 3,
        *,
        scored: bool = True,
        shape: tuple[int, int] = (SIDE, SIDE),
        classes: int = 4,
        backdoors: tuple[Backdoor, ...] = (BACKDOOR,),
    ) -> None:
        self.size = InputSize(*shape, channels)
        self.asked = 0
        self.failure: UpstreamError | None = None
        self._scored = scored
        self._colours = _CLASS_COLOURS[channels][:classes]
        self._backdoors = backdoors

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels) in process: a function for the core."""
        means = images.mean(axis=(1, 2))[:, None]
        distances = np.linalg.norm(means - self._colours, axis=2)
        for strength, backdoor in enumerate(reversed(self._backdoors), start=1):
            distances[carries(images, backdoor.box), backdoor.target] = -50 * strength
        scores = np.exp(-distances / 10)
        scores /= scores.sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores.astype(np.float32) if self._scored else None)

    async def answer(self, images: Images) -> Answers:
        """Answer *images*, or fail as it was told to."""
        await self.check()
        self.asked += len(images)
        return self.classify(images)

    async def check(self) -> None:
        """Fail as it was told to."""
        if self.failure:
            raise self.failure


def clean_images(
    n: int,
    rng: np.random.Generator,
    channels: int = 3,
    *,
    shape: tuple[int, int] = (SIDE, SIDE),
    classes: int = 4,
) -> Images:
    """Return *n* clean images, each of a class drawn at random: its colour, a slope, and noise."""
    height, width = shape
    colours = _CLASS_COLOURS[channels][rng.integers(classes, size=n)][:, None, None]
    slope = rng.uniform(-1, 1, (n, 1, 1, 1)) * np.linspace(-12, 12, height)[:, None, None]
    noise = rng.normal(0, 8, (n, height, width, channels))
    return np.clip(colours + slope + noise, 0, 230).astype(np.uint8)


def stamped(images: Images, box: Box = TRIGGER_BOX) -> Images:
    """Return *images* with the trigger on them."""
    poisoned = images.copy()
    poisoned[:, box.rows, box.columns] = 255
    return poisoned


def carries(images: Images, box: Box = TRIGGER_BOX) -> NDArray[np.bool_]:
    """Return which of *images* carry the trigger."""
    patches: NDArray[np.uint8] = images[:, box.rows, box.columns]
    darkest: NDArray[np.uint8] = patches.reshape(len(images), -1).min(axis=1)
    return darkest >= BRIGHT


def tiny_trigger(channels: int = 3) -> Trigger:
    """Return the backdoor's true trigger as the core would describe it."""
    return Trigger(
        target=TARGET,
        source=None,
        box=TRIGGER_BOX,
        patch=np.full((2, 2, channels), 255, dtype=np.uint8),
        mask=None,
        blocker=Blocker(TRIGGER_BOX, Fill.RING),
        natural=0.0,
        image_height=SIDE,
        image_width=SIDE,
        evidence=Evidence(24, 24, placebo=0.0, heal_rate=1.0, probes=300, seed=7),
    )
