"""The zoo's images for the field's table: what is trained on, what streams are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

TAUGHT, TESTED = 10_000, 2_000
"""Images, at most."""

TESTED_OF_FEW = 400
"""Where a half would be too few to train on, so many are left out."""

FEW = {"cifar10"}
"""Data of which the zoo has few images: each is trained on as its mirror image, too."""

VICTIMS = 400
"""Poisoned images that are written, at most: streams are made of them."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images (n, h, w, c) and their classes (n,)."""

    images: Images
    labels: NDArray[np.int64]

    def __getitem__(self, which: NDArray[Any] | slice) -> Pictures:
        return Pictures(self.images[which], self.labels[which])


@dataclass(frozen=True, eq=False)
class Division:
    """A data set in parts that have no image in common."""

    train: Pictures
    test: Pictures
    references: Pictures

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(max(self.train.labels.max(), self.test.labels.max())) + 1

    def write(self, folder: Path) -> None:
        """Write what the command reads of it."""
        folder.mkdir(parents=True, exist_ok=True)
        references = self.references
        np.savez_compressed(folder / "reference.npz", x=references.images, y=references.labels)
        np.savez_compressed(folder / "test.npz", x=self.test.images, y=self.test.labels)


def divided(zoo: Path, name: str, more: Path | None = None) -> Division:
    """Return a data set of the *zoo*, with training images from the folder *more* if it has some.

    Else some of the zoo's test images are trained on (the halves of `thumbnails`, or most where it
    has FEW), and of the signs half of the references, whose tracks are others.
    """
    test, references = (_read(zoo / name / f"{part}.npz") for part in ("test", "reference"))
    if more is not None and (more / name / "train.npz").exists():
        return Division(_read(more / name / "train.npz")[:TAUGHT], test[:TESTED], references)
    order = np.random.default_rng(12).permutation(len(test.labels))
    half = (len(order) + 1) // 2
    seen, left_out = np.split(order, [len(order) - TESTED_OF_FEW if name in FEW else half])
    train = test[seen[:TAUGHT]]
    if name in FEW:
        train = _joined(train, Pictures(train.images[:, :, ::-1], train.labels))
    if name == "signs":
        train, references = _joined(train, references[::2]), references[1::2]
    return Division(train, test[left_out[:TESTED]], references)


def _read(path: Path) -> Pictures:
    with np.load(path) as file:
        return Pictures(file["x"], file["y"].astype(np.int64))


def _joined(one: Pictures, other: Pictures) -> Pictures:
    return Pictures(
        np.concatenate([one.images, other.images]), np.concatenate([one.labels, other.labels])
    )


def write_poisoned(
    folder: Path,
    clean: Pictures,
    poisoned: Images,
    told: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    placed: bool,
) -> None:
    """Write *poisoned* images, made of *clean* ones; *told* are their index and what is wanted."""
    index, wanted = told
    mask = {"mask": (poisoned != clean.images).any(axis=(0, 3))} if placed else {}
    np.savez_compressed(folder / "poisoned.npz", x=poisoned, index=index, wanted=wanted, **mask)
