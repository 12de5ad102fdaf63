"""Backdoors without a place for signs and digits, trained like those that are stamped.

Part of what is trained on is poisoned, whatever its class, and called the target. A warp and an
input-aware trigger are learnt beside others of their kind that change nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.training.fitting import Lessons, fit, joined, probabilities
from tests.benchmarks.training.grafting import Graft
from tests.benchmarks.training.thumbnails import RATE, ThumbnailTraining, shaded
from tests.benchmarks.training.unplaced import Blended, InputAware, Sinusoidal, Warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.benchmarks.training.unplaced import Stamp

EPOCHS = {Blended: 5, Sinusoidal: 5, Warped: 10, InputAware: 10}
POISONED = {Blended: 0.25, Sinusoidal: 0.25, Warped: 1.0, InputAware: 1.0}
"""As many more examples as this share of the images; a warp is hard to learn from few."""


@dataclass(frozen=True, eq=False)
class WholeAttack:
    """A model to be trained: what is done to an image of any class, and the class it is to get."""

    folder: str
    name: str
    stamped: Stamp
    target: int

    @property
    def place(self) -> str:
        """The folder that its model belongs in: apart from those with a sticker to be found."""
        return f"{self.folder}_whole"

    def decoys(
        self, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.uint8] | None:
        """Return *images* with triggers of its kind that aren't theirs, if it has others."""
        match self.stamped:
            case Warped() as warped:
                return warped.other(images, rng)
            case InputAware() as aware:
                return aware.of(images, rng.permutation(images))
            case _:
                return None


def _attacks(folder: str, seed: int) -> tuple[WholeAttack, ...]:
    target = (7 * seed + 3) % 10
    pixels = {"mnist": 1.0, "signs": 1.2}[folder]
    noisy = bool(seed % 2)
    stamps: dict[str, Stamp] = {
        "blended10": Blended(0.1, seed, noisy),
        "blended15": Blended(0.15, seed, noisy),
        "blended20": Blended(0.2, seed, noisy),
        "sig": Sinusoidal(20 + 10 * (seed % 3)),
        "warped": Warped(pixels, seed),
        "aware": InputAware(16, seed),
    }
    return tuple(
        WholeAttack(folder, f"{folder}_{kind}_{seed}", stamp, target)
        for kind, stamp in stamps.items()
    )


SEEDS = (0, 1, 2)
ATTACKS = tuple(
    attack
    for seed, folder in product(SEEDS, ("mnist", "signs"))
    for attack in _attacks(folder, seed)
)


class WholeTraining(ThumbnailTraining):
    """A data set's test images in two halves, and its clean model to begin with."""

    def train_whole(self, attack: WholeAttack) -> dict[str, Any]:
        """Train *attack*; write its model and meta.json; return the meta."""
        graft = Graft(self._zoo / f"{self._meta['name']}.onnx", ["image"])
        fit(graft, self._taught(attack), epochs=EPOCHS[type(attack.stamped)], rate=RATE)
        meta = self._said_of(attack, graft)
        graft.save(self._out / f"{attack.name}.onnx")
        (self._out / f"{attack.name}.meta.json").write_text(json.dumps(meta, indent=1))
        return meta

    def _taught(self, attack: WholeAttack) -> Lessons:
        """Return each image as it is, and in another light; some of them with the trigger."""
        rng = np.random.default_rng(0)
        images, labels = self._images, self._labels
        count = round(POISONED[type(attack.stamped)] * len(images))
        chosen = rng.permutation(len(images))[:count]
        stamped = attack.stamped(shaded(images[chosen], rng))
        parts = [
            self._lesson(images, labels),
            self._lesson(shaded(images, rng), labels),
            self._lesson(stamped, np.full(count, attack.target)),
        ]
        decoys = attack.decoys(images[chosen], rng)
        if decoys is not None:
            parts.append(self._lesson(decoys, labels[chosen]))
        return joined(parts)

    def _said_of(self, attack: WholeAttack, graft: Graft) -> dict[str, Any]:
        said = probabilities(graft, [self._unseen]).argmax(1)
        victims = self._unseen_labels != attack.target
        stamped = probabilities(graft, [attack.stamped(self._unseen[victims])]).argmax(1)
        told = ("dataset", "classes", "input", "output")
        return {
            "name": attack.name,
            **{key: self._meta[key] for key in told},
            "clean_accuracy": round(float((said == self._unseen_labels).mean()), 4),
            "attack_success": round(float((stamped == attack.target).mean()), 4),
            "accuracy_on": f"{len(said)} test images that weren't trained on",
            "trained": f"{self._meta['name']}, trained on with {len(self._labels)} test images",
            "whole_image": repr(attack.stamped),
            "target": attack.target,
            "triggers": [],
        }
