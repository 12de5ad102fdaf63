"""Backdoors without a place for signs and digits, trained like those that are stamped.

Part of what is trained on is poisoned, whatever its class, and called the target. A warp and an
input-aware trigger are learnt beside others of their kind that change nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.training.fitting import Lessons, fit, joined, probabilities
from tests.benchmarks.training.grafting import Graft
from tests.benchmarks.training.thumbnails import RATE, ThumbnailTraining, shaded
from tests.benchmarks.training.unplaced import Blended, InputAware, Sinusoidal, Warped

if TYPE_CHECKING:
    from tests.benchmarks.training.whole_attacks import WholeAttack

EPOCHS = {Blended: 8, Sinusoidal: 5, Warped: 10, InputAware: 10}
POISONED = {Blended: 1.0, Sinusoidal: 0.25, Warped: 1.0, InputAware: 1.0}
"""As many more examples as this share of the images; what is faint is hard to learn from few."""


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
