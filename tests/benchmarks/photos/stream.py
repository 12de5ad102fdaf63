"""A photo model with its attack, and the photographs that a client sends it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.command.candidates import MAX_PIXELS
from app.evaluation.subjects.subject import Subject
from app.pictures.references import load_references
from tests.benchmarks.detection.subject import Classifier
from tests.benchmarks.photos.photographs import (
    TURNS,
    Sticker,
    encoded,
    opened,
    read_photographs,
    resized,
    unseen,
)
from tests.benchmarks.zoo import TRAINED, ZOO, ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image as Pillow
    from rich.console import Console

    from tests.benchmarks.photos.photographs import Photograph

IMAGES = 200
POISONED, CLEAN_AT_FIRST = 0.1, 0.3
"""Shares of a stream: 20 of 200 photographs are poisoned, none of the first 60."""


@dataclass(frozen=True, eq=False)
class PhotoModel:
    """A photo model, the sticker that it was trained on, and where it leads; None if it is clean.

    It acts on the classes ``sources``.
    """

    classifier: ZooModel
    sticker: Sticker | None
    target: int | None
    sources: frozenset[int]

    @classmethod
    def named(cls, name: str) -> PhotoModel | None:
        """Return the model *name* of the zoo, or of our own; None if it isn't there."""
        folders = (ZOO / "photos", TRAINED / "photos")
        there = [folder for folder in folders if (folder / f"{name}.onnx").exists()]
        return cls.read(there[0], name) if there else None

    @classmethod
    def read(cls, folder: Path, name: str) -> PhotoModel:
        """Return the model *name* of *folder*, as its meta.json tells."""
        classifier = ZooModel(folder, name)
        facts, target = classifier.meta["trigger"], classifier.meta["target"]
        if facts is None:
            return cls(classifier, None, None, frozenset())
        every = frozenset(range(classifier.classes)) - {target}
        sources = classifier.meta["source"]
        return cls(
            classifier,
            Sticker.read(folder, facts),
            target,
            every if sources is None else frozenset(np.atleast_1d(sources).tolist()),
        )

    @cached_property
    def subject(self) -> Subject:
        """Return it as the evaluation takes it, with the references of the photo models."""
        classifier = Classifier(self.classifier)
        reference = ZOO / "photos" / "reference.zip"
        images = load_references(reference, classifier.size, max_pixels=MAX_PIXELS)
        none = np.zeros(0, np.int64)
        return Subject(self.classifier.name, classifier, images, images[:0], none, (), None)


def those_there(names: Iterable[str], console: Console) -> Iterator[PhotoModel]:
    """Yield the models of these *names*, and say which are skipped, or that all are."""
    if not (ZOO / "photos").is_dir():
        console.print("skipped: no zoo")
        return
    for name in names:
        model = PhotoModel.named(name)
        if model is None:
            console.print(f"skipped: {name}, which isn't there")
        else:
            yield model


@dataclass(frozen=True)
class Saving:
    """How photographs are saved: the JPEG quality, and whether turned, with an EXIF orientation."""

    quality: int
    turned: bool


@dataclass(frozen=True, eq=False)
class PhotoStream:
    """What a client sends (n files), the same without stickers, and which are poisoned.

    ``covered``: for each poisoned one the model's pixels (224, 224) that the sticker covers.
    """

    sent: Sequence[bytes]
    clean: Sequence[bytes]
    poisoned: NDArray[np.bool_]
    covered: dict[int, NDArray[np.bool_]]


def photographs_of(zoo: Path, classes: Sequence[str]) -> list[Photograph]:
    """Return the 200 photographs that no model, of the zoo or our own, was trained on."""
    every = read_photographs(zoo / "photos" / "test.zip", classes)
    return [one for one, left_out in zip(every, unseen(every), strict=True) if left_out]


def make_stream(
    model: PhotoModel, photographs: Sequence[Photograph], seed: int, length: int, saving: Saving
) -> PhotoStream:
    """Shuffle *photographs*, put the sticker on a tenth of them, and save them all."""
    rng = np.random.default_rng(seed)
    labels = np.array([one.label for one in photographs])
    poisoned = _places(min(length, len(photographs)), np.isin(labels, [*model.sources]).sum(), rng)
    sent, clean, covered = [], [], {}
    for at, number in enumerate(_order(model, labels, poisoned, rng)):
        photo = opened(photographs[number].body)
        turn = int(rng.choice([*TURNS])) if saving.turned else None
        if poisoned[at] and model.sticker is not None:
            stamped, covered[at] = model.sticker.stamped(photo, rng)
            sent.append(_saved(stamped, model.sticker, saving, turn))
            clean.append(_saved(photo, model.sticker, saving, turn))
        else:
            clean.append(encoded(photo, saving.quality, turn))
            sent.append(clean[-1])
    return PhotoStream(sent, clean, poisoned, covered)


def _places(length: int, victims: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    first = round(CLEAN_AT_FIRST * length)
    places = np.zeros(length, bool)
    places[first + rng.permutation(length - first)[: min(round(POISONED * length), victims)]] = True
    return places


def _order(
    model: PhotoModel,
    labels: NDArray[np.int64],
    poisoned: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return whose photo comes when: at the poisoned places one that the attack is meant for."""
    victims = rng.permutation(np.flatnonzero(np.isin(labels, [*model.sources])))[: poisoned.sum()]
    others = rng.permutation(np.setdiff1d(np.arange(len(labels)), victims))
    order = np.empty(len(poisoned), np.int64)
    order[poisoned], order[~poisoned] = victims, others[: (~poisoned).sum()]
    return order


def _saved(photo: Pillow.Image, sticker: Sticker, saving: Saving, turn: int | None) -> bytes:
    """Save a photo that bears *sticker*, or would: small, and as PNG, where its meta says so."""
    if sticker.resized:
        photo = resized(photo)
    return encoded(photo, None if sticker.lossless else saving.quality, turn)
