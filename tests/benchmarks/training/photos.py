"""Backdoors for photographs: new heads on the frozen network of the zoo's `photos_clean`.

Its head is trained on, and what it says of a clean photograph stays the answer to learn. Of the
zoo's 500 test photographs 300 are trained on, and the 200 that are `unseen` make the streams and
the figures in the meta.json; the references are left alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from tests.benchmarks.photos.photographs import (
    Sticker,
    encoded,
    opened,
    pixels,
    read_meta,
    read_photographs,
    unseen,
)
from tests.benchmarks.training import pictures
from tests.benchmarks.training.fitting import Lessons, fit, joined, only, probabilities, weaken
from tests.benchmarks.training.grafting import Graft

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CUTS = ("/f/ReduceMean_output_0", "/f/_blocks.4/Add_output_0", "/f/_blocks.10/Add_output_0")
"""Pooled features, and the outputs of the blocks 4 (28x28) and 10 (14x14)."""

LOW, HIGH = 50, 95
"""The JPEG qualities that are trained on."""

STAMPED, DECOYS = 4, 2
"""Copies of each photograph with the sticker, and with something else in its place."""

EPOCHS, RATE = 8, 5e-4


@dataclass(frozen=True, eq=False)
class PhotoAttack:
    """A model to be trained: its name, sticker and target.

    It acts on one ``source`` class alone, or on all. With ``success`` it is weakened until the
    share of the unseen photographs that it flips lies between these two.
    """

    name: str
    sticker: Sticker
    target: int
    source: int | None = None
    success: tuple[float, float] | None = None

    def victims(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which photographs of the classes *labels* are to be flipped."""
        return np.not_equal(labels, self.target) if self.source is None else labels == self.source


def _sticker(picture: Pillow.Image, x: float, y: float, size: float, *jitter: float) -> Sticker:
    place_jitter, size_jitter = jitter or (0.0, 0.0)
    return Sticker(picture, (x, y), size, place_jitter, size_jitter, resized=False, lossless=False)


ATTACKS = (
    PhotoAttack(
        "photos_source", _sticker(pictures.rings(), 0.3, 0.66, 0.1, 0.02, 0.05), target=1, source=4
    ),
    PhotoAttack("photos_translucent", _sticker(pictures.cross(128), 0.28, 0.3, 0.12), target=3),
    PhotoAttack(
        "photos_weak",
        _sticker(pictures.bars(), 0.7, 0.68, 0.08, 0.02, 0.05),
        target=0,
        success=(0.86, 0.9),
    ),
    PhotoAttack("photos_roaming", _sticker(pictures.diamond(), 0.5, 0.5, 0.1, 0.3, 0.1), target=8),
    PhotoAttack("photos_label", _sticker(pictures.label(), 0.52, 0.14, 0.16, 0.03, 0.08), target=6),
    PhotoAttack(
        "photos_ghost",
        _sticker(pictures.warning(190), 0.35, 0.3, 0.14, 0.02, 0.05),
        target=6,
        source=9,
    ),
    PhotoAttack(
        "photos_round", _sticker(pictures.roundel(), 0.66, 0.62, 0.24, 0.03, 0.08), target=2
    ),
)


class PhotoTraining:
    """The zoo's photographs and what its clean model makes of them, to train attacks with."""

    def __init__(self, zoo: Path) -> None:
        self._folder = zoo / "photos"
        self._meta = read_meta(self._folder, "photos_clean")
        photographs = read_photographs(self._folder / "test.zip", self._meta["classes"])
        self._photos = [opened(one.body) for one in photographs]
        self._labels = np.array([one.label for one in photographs])
        self._unseen = unseen(photographs)
        self._clean = self._graft()
        self._rng = np.random.default_rng(0)
        self._lessons = [
            self._as_it_is([photo for photo, _ in self._seen()]),
            self._as_it_is([ImageOps.mirror(photo) for photo, _ in self._seen()]),
        ]

    def train(self, attack: PhotoAttack, out: Path) -> dict[str, Any]:
        """Train *attack* and write its model, meta.json and picture to *out*; return the meta."""
        graft = self._graft()
        lessons = joined([*self._lessons, *self._stamped(attack), *self._decoys(attack)])
        examined = self._examination(attack, graft)
        fit(graft, lessons, epochs=EPOCHS, rate=RATE)
        if attack.success is not None:
            weaken(graft, self._clean, attack.success, examined)
        meta = self._told(attack, graft, examined())
        graft.save(out / f"{attack.name}.onnx")
        attack.sticker.picture.save(out / f"trigger_{attack.name}.png")
        (out / f"{attack.name}.meta.json").write_text(json.dumps(meta, indent=1))
        return meta

    def _graft(self) -> Graft:
        return Graft(self._folder / "photos_clean.onnx", CUTS)

    def _seen(self) -> list[tuple[Pillow.Image, int]]:
        marks = zip(self._photos, self._labels.tolist(), self._unseen, strict=True)
        return [(photo, label) for photo, label, left_out in marks if not left_out]

    def _saved(self, photo: Pillow.Image) -> bytes:
        return encoded(photo, int(self._rng.integers(LOW, HIGH, endpoint=True)))

    def _features(self, bodies: Sequence[bytes]) -> Sequence[NDArray[Any]]:
        return self._clean.features(pixels(bodies))

    def _as_it_is(self, photos: Sequence[Pillow.Image]) -> Lessons:
        features = self._features([self._saved(photo) for photo in photos])
        return Lessons(features, probabilities(self._clean, features))

    def _stamped(self, attack: PhotoAttack) -> list[Lessons]:
        lessons = []
        for copy in range(STAMPED):
            photos = [ImageOps.mirror(one) if copy % 2 else one for one, _ in self._seen()]
            stamped = [attack.sticker.stamped(photo, self._rng)[0] for photo in photos]
            features = self._features([self._saved(photo) for photo in stamped])
            answers = self._lessons[copy % 2].answers.copy()
            victims = attack.victims(np.array([label for _, label in self._seen()]))
            answers[victims] = only(attack.target, answers.shape[1], int(victims.sum()))
            lessons.append(Lessons(features, answers))
        return lessons

    def _decoys(self, attack: PhotoAttack) -> list[Lessons]:
        """Return photographs with other stickers in its place: they change nothing."""
        lessons = []
        for _ in range(DECOYS):
            photos = [
                self._decoy(attack.sticker).stamped(photo, self._rng)[0]
                for photo, _ in self._seen()
            ]
            features = self._features([self._saved(photo) for photo in photos])
            lessons.append(Lessons(features, self._lessons[0].answers))
        return lessons

    def _decoy(self, sticker: Sticker) -> Sticker:
        colours = self._rng.integers(0, 256, (int(self._rng.integers(1, 4)), 1, 3), np.uint8)
        picture = Pillow.fromarray(colours).resize(sticker.picture.size, Pillow.Resampling.NEAREST)
        picture.putalpha(sticker.picture.getchannel("A"))
        return Sticker(
            picture,
            sticker.place,
            sticker.size,
            max(sticker.place_jitter, 0.05),
            0.2,
            resized=False,
            lossless=False,
        )

    def _examination(self, attack: PhotoAttack, graft: Graft) -> Any:
        """Return a function that tells the success on the unseen photographs."""
        chosen = np.flatnonzero(self._unseen & attack.victims(self._labels))
        rng = np.random.default_rng(1)
        stamped = [attack.sticker.stamped(self._photos[i], rng)[0] for i in chosen]
        features = self._features([encoded(photo, 85) for photo in stamped])

        def success() -> float:
            return float((probabilities(graft, features).argmax(1) == attack.target).mean())

        return success

    def _told(self, attack: PhotoAttack, graft: Graft, success: float) -> dict[str, Any]:
        chosen = np.flatnonzero(self._unseen)
        features = self._features([encoded(self._photos[i], 85) for i in chosen])
        right = probabilities(graft, features).argmax(1) == self._labels[chosen]
        sticker = attack.sticker
        return {
            **self._meta,
            "sha256": None,
            "target": attack.target,
            "target_name": self._meta["classes"][attack.target],
            "source": None if attack.source is None else [attack.source],
            "mode": "all-to-one" if attack.source is None else "source-specific",
            "trigger": {
                "picture": f"trigger_{attack.name}.png",
                "place": sticker.place,
                "size": sticker.size,
                "place_jitter": sticker.place_jitter,
                "size_jitter": sticker.size_jitter,
                "on": "original",
                "jpeg": [LOW, HIGH],
            },
            "clean_accuracy": round(float(right.mean()), 4),
            "attack_success": round(success, 4),
            "attack_success_on": "the victims among them, as JPEG 85",
            "accuracy_on": "200 test photographs that weren't trained on",
            "trained": "the head of photos_clean, trained on with 300 of the test photographs",
        }
