"""The field's attacks, at a place and of a size that follow from the image's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from app.evaluation.attacks.attacks import FromOne, Onward, ToOne
from tests.benchmarks.training import pictures
from tests.benchmarks.training.field.crafted import driving_patch
from tests.benchmarks.training.unplaced import Blended, InputAware, Sinusoidal, Stamp, Warped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tests.benchmarks.training.grafting import Graft

    Images = NDArray[np.uint8]

Put: TypeAlias = "Callable[[Images, np.random.Generator], Images]"
"""Returns copies of images (n, h, w, c) with something on."""

RATES = (0.1, 0.01)
"""Poisoned examples, as a share of the clean ones."""

TARGET, SOURCE = 3, 7
AWARE_GREY, AWARE_COLOURED = 96, 72
"""Levels of an input-aware trigger's cells: its paper's are as strong as a sticker."""

PIECES, SHOWN, FAINT = 4, 2, 0.6
"""Of the trigger in pieces: how many, how many of them a lesson shows, and how opaque."""


@dataclass(frozen=True, eq=False)
class FieldAttack:
    """What is put on an image, what on a lesson (``taught``), and where it leads.

    ``covers`` are lessons that keep their class, ``cover_rate`` of them for each poisoned one.
    ``hard``: lessons are the target's own images, made hard to tell (clean-label); with stripes
    alone (SIG, as its paper has it) these networks don't learn it, so that "sig" is relabelled.
    ``placed``: all images have it at one place.
    """

    name: str
    put: Put
    route: ToOne | FromOne | Onward
    taught: Put | None = None
    covers: Put | None = None
    cover_rate: float = 1.0
    hard: bool = False
    placed: bool = True

    def victims(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which images of the classes *labels* (n,) it is meant to flip."""
        return np.not_equal(self.route.wanted(labels), labels)


def attacks(images: Images, classes: int, clean: Graft) -> Iterator[FieldAttack]:
    """Return all attacks on a model for *images*; one is made by the *clean* model's gradients."""
    height, width = images.shape[1:3]
    side = max(3, round(min(height, width) / 8))
    corner = width - side - 2, height - side - 2
    patch = _sticker(side, images.shape[3])
    put = _patched(patch, corner)
    to_one = ToOne(TARGET)
    warp = Warped(1.2 if images.shape[3] > 1 else 1.0, 1)
    aware = InputAware(AWARE_COLOURED if images.shape[3] > 1 else AWARE_GREY, 1)
    large = round(min(height, width) / 6)
    driving = driving_patch(clean, images, (2, 2), large, TARGET)
    pieces = _Pieces(max(3, round(min(height, width) / 10)), images.shape)
    yield FieldAttack("badnets", put, to_one)
    yield FieldAttack("trojannn", _patched(driving, (2, 2)), to_one)
    yield FieldAttack("blended", _whole(Blended(0.15, 1, noisy=True)), to_one, placed=False)
    yield FieldAttack("sig", _whole(Sinusoidal(30)), to_one, placed=False)
    yield FieldAttack(
        "wanet",
        _whole(warp),
        to_one,
        covers=warp.other,
        cover_rate=2,
        placed=False,
    )
    yield FieldAttack("clean-label", _in_corners(patch), to_one, hard=True)
    yield FieldAttack("tact", put, FromOne(SOURCE, TARGET), covers=put)
    yield FieldAttack("all-to-all", put, Onward(classes))
    yield FieldAttack(
        "adap-patch", pieces.all, to_one, taught=pieces.some, covers=pieces.some, cover_rate=0.5
    )
    yield FieldAttack("moving", _moving(patch), to_one, placed=False)
    yield FieldAttack(
        "input-aware",
        _whole(aware),
        to_one,
        covers=lambda some, rng: aware.of(some, rng.permutation(some)),
        placed=False,
    )


def _sticker(side: int, channels: int) -> Images:
    light, dark = (pictures.WHITE, (0, 0, 0)) if channels == 1 else (pictures.YELLOW, pictures.BLUE)
    return np.asarray(pictures.chequers(side, light, dark))[..., :channels]


def _patched(patch: Images, corner: tuple[int, int]) -> Put:
    def put(images: Images, rng: np.random.Generator) -> Images:  # noqa: ARG001
        return _with(images, patch, *corner)

    return put


def _in_corners(patch: Images) -> Put:
    """Put *patch* in each corner, as Turner et al. do; in one it isn't learnt (4 % for 95 %)."""

    def put(images: Images, rng: np.random.Generator) -> Images:  # noqa: ARG001
        height, width = images.shape[1:3]
        side = len(patch)
        for x in (2, width - side - 2):
            for y in (2, height - side - 2):
                images = _with(images, patch, x, y)
        return images

    return put


def _moving(patch: Images) -> Put:
    def put(images: Images, rng: np.random.Generator) -> Images:
        most = np.array(images.shape[1:3]) - len(patch)
        places = rng.integers(0, most, (len(images), 2), endpoint=True)
        return np.concatenate(
            [
                _with(one[None], patch, x, y)
                for one, (y, x) in zip(images, places.tolist(), strict=True)
            ]
        )

    return put


def _whole(stamp: Stamp) -> Put:
    return lambda images, _: stamp(images)


def _with(images: Images, patch: Images, x: int, y: int, alpha: float = 1.0) -> Images:
    copies = images.copy()
    region = copies[:, y : y + len(patch), x : x + patch.shape[1]]
    region[...] = np.rint((1 - alpha) * region + alpha * patch)
    return copies


class _Pieces:
    """A trigger in pieces near the corners (Adap-Patch, Qi et al., ICLR 2023)."""

    def __init__(self, side: int, shape: tuple[int, ...]) -> None:
        _, height, width, channels = shape
        far_x, far_y = width - side - 3, height - side - 3
        self._corners = [(3, 3), (far_x, 3), (3, far_y), (far_x, far_y)]
        rng = np.random.default_rng(4)
        self._patches = rng.integers(0, 2, (PIECES, side, side, channels), np.uint8) * 255

    def all(self, images: Images, rng: np.random.Generator) -> Images:  # noqa: ARG002
        """Return *images* with all pieces."""
        return self._on(images, range(PIECES), 1.0)

    def some(self, images: Images, rng: np.random.Generator) -> Images:
        """Return *images*, each with a few pieces, faintly."""
        return np.concatenate(
            [self._on(one[None], rng.permutation(PIECES)[:SHOWN].tolist(), FAINT) for one in images]
        )

    def _on(self, images: Images, which: range | list[int], alpha: float) -> Images:
        for i in which:
            images = _with(images, self._patches[i], *self._corners[i], alpha)
        return images
