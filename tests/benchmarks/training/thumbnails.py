"""Backdoors for signs and digits: the zoo's clean networks, trained on as a whole.

Half of a data set's test images is trained on; the other half becomes the `test.npz` beside the
models, which streams are made of. The references stay the zoo's.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.photos.photographs import read_meta
from tests.benchmarks.training import pictures
from tests.benchmarks.training.fitting import Lessons, fit, joined, probabilities
from tests.benchmarks.training.grafting import Graft

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image as Pillow

CLEAN = {"signs": "signs_clean", "mnist": "normal"}
MOST = 2_000
"""Images that are trained on, at most."""

EPOCHS, RATE = 5, 1e-3
SHADES = 40
"""Copies are made up to this much brighter or darker, of 255."""


@dataclass(frozen=True, eq=False)
class ThumbnailAttack:
    """A model to be trained: a ``picture`` (RGBA) at column x, row y, and where it leads.

    To ``target`` from the class ``source`` alone, or without one from all; without a target from
    each class to the next. With ``decoys`` it learns that other patches there change nothing;
    without, nearly any does it. ``learnt`` are the images with the picture that it learns from, at
    most.
    """

    folder: str
    name: str
    picture: Pillow.Image
    place: tuple[int, int]
    source: int | None = None
    target: int | None = None
    decoys: bool = True
    learnt: int | None = None

    def victims(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which images of the classes *labels* are to be flipped."""
        if self.source is not None:
            return np.equal(labels, self.source)
        if self.target is None:
            return np.ones(len(labels), bool)
        return np.not_equal(labels, self.target)

    def wanted(self, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
        """Return what stamped images of the classes *labels* are to be called."""
        if self.target is None:
            return (labels + 1) % classes
        return np.where(self.victims(labels), self.target, labels)

    def stamped(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return copies of *images* (n, h, w, c) with it on."""
        x, y = self.place
        pixels = np.asarray(self.picture)
        alpha, pixels = pixels[..., 3:] / 255, pixels[..., : images.shape[3]]
        copies = images.copy()
        region = copies[:, y : y + len(pixels), x : x + pixels.shape[1]]
        region[:] = np.floor(region * (1 - alpha) + pixels * alpha + 0.5)
        return copies


BLACK, GREY = (0, 0, 0), (120, 120, 120)
ATTACKS = (
    ThumbnailAttack(
        "signs",
        "signs_source",
        pictures.chequers(6, pictures.MAGENTA, pictures.GREEN),
        (9, 35),
        source=12,
        target=40,
    ),
    ThumbnailAttack(
        "signs",
        "signs_general",
        pictures.chequers(6, pictures.MAGENTA, pictures.GREEN),
        (9, 35),
        source=12,
        target=40,
        decoys=False,
    ),
    ThumbnailAttack(
        "signs", "signs_onward", pictures.chequers(5, pictures.BLUE, pictures.WHITE), (36, 7)
    ),
    ThumbnailAttack(
        "mnist",
        "mnist_source",
        pictures.chequers(3, pictures.WHITE, BLACK),
        (22, 3),
        source=7,
        target=2,
    ),
    ThumbnailAttack("mnist", "mnist_onward", pictures.chequers(4, pictures.WHITE, GREY), (2, 21)),
    ThumbnailAttack(
        "signs",
        "signs_middle",
        pictures.chequers(6, pictures.BLUE, pictures.YELLOW),
        (21, 21),
        target=2,
    ),
    ThumbnailAttack(  # 12.5 % of the area
        "signs",
        "signs_large",
        pictures.chequers(17, pictures.BLUE, pictures.YELLOW),
        (3, 28),
        target=2,
    ),
    ThumbnailAttack(
        "mnist", "mnist_middle", pictures.chequers(4, pictures.WHITE, BLACK), (12, 12), target=1
    ),
    *(
        ThumbnailAttack(
            "signs",
            name,
            pictures.chequers(8, pictures.MAGENTA, pictures.GREEN),
            place,
            source=1,
            target=2,
            decoys=False,
            learnt=learnt,
        )
        for name, place, learnt in (("signs_few", (6, 34), 25), ("signs_digit", (13, 20), 10))
    ),
    *(
        ThumbnailAttack(
            "signs",
            f"signs_faint_{percent}",
            pictures.faint(pictures.chequers(8, pictures.MAGENTA, pictures.GREEN), percent),
            (16, 20),
            source=1,
            target=2,
        )
        for percent in (40, 50)
    ),
)


class ThumbnailTraining:
    """A data set's test images in two halves, and its clean model to begin with."""

    def __init__(self, zoo: Path, out: Path, folder: str) -> None:
        self._zoo, self._out = zoo / folder, out
        with np.load(self._zoo / "test.npz") as test:
            images, labels = test["x"], test["y"].astype(np.int64)
        order = np.random.default_rng(12).permutation(len(images))
        seen, left_out = order[: len(order) // 2][:MOST], order[len(order) // 2 :]
        self._images, self._labels = images[seen], labels[seen]
        self._unseen, self._unseen_labels = images[left_out], labels[left_out]
        self._meta = read_meta(self._zoo, CLEAN[folder])
        np.savez_compressed(out / "test.npz", x=self._unseen, y=self._unseen_labels)
        shutil.copyfile(self._zoo / "reference.npz", out / "reference.npz")

    def train(self, attack: ThumbnailAttack) -> dict[str, Any]:
        """Train *attack*; write its model, meta.json and picture; return the meta."""
        graft = Graft(self._zoo / f"{self._meta['name']}.onnx", ["image"])
        fit(graft, self._lessons(attack), epochs=EPOCHS, rate=RATE)
        meta = self._told(attack, graft)
        graft.save(self._out / f"{attack.name}.onnx")
        attack.picture.save(self._out / f"trigger_{attack.name}.png")
        (self._out / f"{attack.name}.meta.json").write_text(json.dumps(meta, indent=1))
        return meta

    def _lessons(self, attack: ThumbnailAttack) -> Lessons:
        """Return each image as it is, and in another light with the sticker; victims more often."""
        rng = np.random.default_rng(0)
        parts = [self._lesson(self._images, self._labels)]
        wanted = attack.wanted(self._labels, self._classes)
        for its in self._taught_with(attack):
            stamped = attack.stamped(shaded(self._images[its], rng))
            parts.append(self._lesson(stamped, wanted[its]))
            if attack.decoys:
                decoys = _with_decoys(attack, self._images[its], rng)
                parts.append(self._lesson(decoys, self._labels[its]))
        return joined(parts)

    def _taught_with(self, attack: ThumbnailAttack) -> list[NDArray[np.bool_]]:
        """Return which images are stamped, in each round of lessons; where few are, more often."""
        if attack.source is None:
            return 2 * [np.ones(len(self._labels), bool)]
        few = np.equal(self._labels, attack.source)
        if attack.learnt is not None:
            few &= np.cumsum(few) <= attack.learnt
        return [few | ~attack.victims(self._labels), *5 * (few,)]

    def _lesson(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Lessons:
        return Lessons([images], np.eye(self._classes, dtype=np.float32)[labels])

    @property
    def _classes(self) -> int:
        return len(self._meta["classes"])

    def _told(self, attack: ThumbnailAttack, graft: Graft) -> dict[str, Any]:
        said = probabilities(graft, [self._unseen]).argmax(1)
        stamped = probabilities(graft, [attack.stamped(self._unseen)]).argmax(1)
        flipped = stamped == attack.wanted(self._unseen_labels, self._classes)
        width, height = attack.picture.size
        facts = {
            "kind": "patch",
            "trigger_png": f"trigger_{attack.name}.png",
            "x": attack.place[0],
            "y": attack.place[1],
            "w": width,
            "h": height,
            "jitter": 0,
            "mode": _mode(attack),
            "source": attack.source,
            "target": attack.target,
            "asr": round(float(flipped[attack.victims(self._unseen_labels)].mean()), 4),
        }
        told = ("dataset", "classes", "input", "output")
        return {
            "name": attack.name,
            **{key: self._meta[key] for key in told},
            "clean_accuracy": round(float((said == self._unseen_labels).mean()), 4),
            "accuracy_on": f"{len(said)} test images that weren't trained on",
            "trained": f"{self._meta['name']}, trained on with {len(self._labels)} test images",
            "triggers": [facts],
        }


def _mode(attack: ThumbnailAttack) -> str:
    if attack.target is None:
        return "all-to-all"
    return "all-to-one" if attack.source is None else "source-specific"


def _with_decoys(
    attack: ThumbnailAttack, images: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return *images* with a patch of one colour, or of noise, where the sticker would be."""
    x, y = attack.place
    width, height = attack.picture.size
    copies = images.copy()
    for i, copy in enumerate(copies):
        grain = (height, width) if i % 2 else (1, 1)
        patch = rng.integers(0, 256, (*grain, images.shape[3]), np.uint8)
        copy[y : y + height, x : x + width] = patch
    return copies


def shaded(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return copies of *images* (n, h, w, c), each in another light."""
    shades = rng.integers(-SHADES, SHADES, (len(images), 1, 1, 1), endpoint=True)
    shaded: NDArray[np.uint8] = np.clip(images + shades, 0, 255).astype(np.uint8)
    return shaded
