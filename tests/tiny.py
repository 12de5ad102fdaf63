"""A tiny classifier with a real backdoor: the outside, small but honest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.geometry import Box
from app.detection.search import Answers
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.ports import NOBODY, Arrival, Description, InputSize, ModelFacts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import Caller, Page, UpstreamError
    from app.wire.tensors import TensorSpec

SIDE = 16
TARGET = 2
TRIGGER_BOX = Box(9, 5, 2, 2)
BRIGHT = 250
"""The trigger: every pixel of its box at least so bright; clean images stay far below."""

DARK = 5
"""A mark: every pixel of its box at most so bright; images without it stay above."""


@dataclass(frozen=True)
class Backdoor:
    """A bright box makes the model answer ``target``.

    Whatever else the image shows; or only if it is of class ``source``, where there is one. Without
    a target each class becomes the next one (all-to-all). All of the ``others``, boxes too, must be
    bright as well (a trigger of several pieces). The share ``enough`` of a box's pixels will do.
    """

    box: Box
    target: int | None
    source: int | None = None
    others: tuple[Box, ...] = ()
    enough: float = 1.0

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All of its pieces."""
        return (self.box, *self.others)


@dataclass(frozen=True)
class Mark:
    """By nature images of class ``source`` with a dark box are of class ``label`` instead.

    Without a source those of every class. It carries the class as a trigger does, but clean images
    have it: the digit that tells two speed limits apart.
    """

    box: Box
    label: int
    source: int | None = None


BACKDOOR = Backdoor(TRIGGER_BOX, TARGET)

_CLASS_COLOURS = {
    1: np.array([[30], [80], [130], [180]]),
    3: np.array([[180, 40, 40], [40, 180, 40], [40, 40, 180], [150, 150, 40]]),
}


class Served:
    """A model as if it were served, which tells no more of itself than its ``name``."""

    name = "tiny"
    is_strange = False
    note: str | None = None
    pages: frozenset[Page] = frozenset()

    async def arrivals(
        self,
        spec: TensorSpec,  # noqa: ARG002
        values: NDArray[Any],
        *,
        tolerant: bool = False,  # noqa: ARG002
    ) -> tuple[Arrival, ...]:
        """Take tensors of whole pixels, in the layout of images."""
        return tuple(Arrival(image) for image in values.astype(np.uint8))

    async def facts(self) -> ModelFacts:
        """Say nothing but a name."""
        return ModelFacts(self.name)

    async def sound_out(self, images: Images) -> None:
        """Find out nothing."""

    async def described(self) -> ModelFacts:
        """Say no more than the facts."""
        return await self.facts()

    async def page(self, page: Page, version: str | None = None) -> bytes | None:  # noqa: ARG002
        """Say nothing."""
        return None

    async def versions(
        self,
        version: str | None = None,
        label: str | None = None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Have one."""
        return ("1",) if version in {"1", None} else ()

    async def input_names(self) -> tuple[str, ...]:
        """Name none."""
        return ()

    async def introduce(self, images: Images, labels: NDArray[np.int64]) -> None:
        """Learn nothing."""

    async def redescribed(self) -> Description:
        """Say nothing else than before."""
        return Description.SAME

    def forget(self) -> None:
        """Be strange no more."""
        self.is_strange = False

    def class_name(self, index: int) -> str | None:  # noqa: ARG002
        """Have no name for any class."""
        return None


class TinyModel(Served):
    """A few classes by mean colour, or by a mark; with a trigger it answers what its backdoor says.

    The first of several backdoors wins. ``asked`` counts the images. While ``failure`` is set, it
    is raised instead of an answer.
    """

    def __init__(  # noqa: PLR0913  # each may be another than usual
        self,
        channels: int = 3,
        *,
        scored: bool = True,
        shape: tuple[int, int] = (SIDE, SIDE),
        classes: int = 4,
        backdoors: tuple[Backdoor, ...] = (BACKDOOR,),
        marks: tuple[Mark, ...] = (),
    ) -> None:
        self.size = InputSize(*shape, channels)
        self.asked = 0
        self.failure: UpstreamError | None = None
        self._scored = scored
        self._colours = _CLASS_COLOURS[channels][:classes]
        self._backdoors = backdoors
        self._marks = marks

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels) in process: a function for the core."""
        distances = self._distances(images)
        natural = distances.argmin(axis=1)
        for strength, backdoor in enumerate(reversed(self._backdoors), start=1):
            target = (natural + 1) % distances.shape[1]
            if backdoor.target is not None:
                target[:] = backdoor.target
            acts = all_carry(images, backdoor)
            if backdoor.source is not None:
                acts &= natural == backdoor.source
            distances[acts, target[acts]] = -50 * strength
        scores = np.exp(-distances / 10)
        scores /= scores.sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores.astype(np.float32) if self._scored else None)

    def _distances(self, images: Images) -> NDArray[np.floating]:
        """How far *images* are from each class by nature."""
        means = images.mean(axis=(1, 2))[:, None]
        by_colour = np.linalg.norm(means - self._colours, axis=2)
        distances = np.pad(by_colour, ((0, 0), (0, len(self._marks))), constant_values=999)
        colour = by_colour.argmin(axis=1)
        for mark in self._marks:
            shown = images[:, mark.box.rows, mark.box.columns].max(axis=(1, 2, 3)) <= DARK
            if mark.source is not None:
                shown &= colour == mark.source
            distances[shown, mark.label] = 0
            distances[shown, : by_colour.shape[1]] += 50
        return distances

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
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


def all_stamped(images: Images, backdoor: Backdoor) -> Images:
    """Return *images* with all pieces of the trigger of *backdoor* on them."""
    for box in backdoor.boxes:
        images = stamped(images, box)
    return images


def marked(images: Images, mark: Mark) -> Images:
    """Return *images* with *mark* on them."""
    shown = images.copy()
    shown[:, mark.box.rows, mark.box.columns] = 0
    return shown


def carries(images: Images, box: Box = TRIGGER_BOX, enough: float = 1.0) -> NDArray[np.bool_]:
    """Return which of *images* carry the trigger, or at least *enough* of it."""
    bright: NDArray[np.bool_] = images[:, box.rows, box.columns].min(axis=3) >= BRIGHT
    share: NDArray[np.float64] = bright.mean(axis=(1, 2))
    return share >= enough


def all_carry(images: Images, backdoor: Backdoor) -> NDArray[np.bool_]:
    """Return which of *images* carry all pieces of the trigger of *backdoor*."""
    pieces = [carries(images, box, backdoor.enough) for box in backdoor.boxes]
    whole: NDArray[np.bool_] = np.all(pieces, axis=0)
    return whole


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
