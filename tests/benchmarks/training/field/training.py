"""One data set's models for the field's table: trained from nothing, written for the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.evaluation.attacks.attacks import FromOne
from tests.benchmarks.training.field.architectures import untrained
from tests.benchmarks.training.field.attacks import FieldAttack, attacks
from tests.benchmarks.training.field.crafted import hardened
from tests.benchmarks.training.field.division import (
    VICTIMS,
    Pictures,
    divided,
    write_poisoned,
)
from tests.benchmarks.training.fitting import Lessons, fit, joined, probabilities
from tests.benchmarks.training.grafting import Graft
from tests.benchmarks.training.thumbnails import shaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

EPOCHS = {"mnist": 8, "signs": 20, "cifar10": 20}
RATE = 1e-3
MOST_GREY, MOST_COLOURED = 76.0, 32.0
"""Levels by which a lesson of a clean-label attack is changed."""


class FieldTraining:
    """A data set of the zoo, divided; ``more`` is a folder with further images to train on."""

    def __init__(self, zoo: Path, name: str, out: Path, more: Path | None) -> None:
        self.name, self._out = name, out / name
        division = divided(zoo, name, more)
        self._train, self._test, self.classes = division.train, division.test, division.classes
        division.write(self._out)

    def clean(self, architecture: str) -> Path:
        """Return the folder of the model without a backdoor, trained if it isn't there."""
        folder = self._out / architecture / "none"
        if not (folder / "meta.json").exists():
            graft = self._fitted(folder, architecture, self._lessons(None, 0.0, None))
            self._write(folder, graft, architecture, None, 0.0)
        return folder

    def all_attacks(self, architecture: str) -> Iterator[FieldAttack]:
        """Return the attacks on models of this *architecture*."""
        clean = Graft(self.clean(architecture) / "model.onnx", ["image"])
        return attacks(self._train.images, self.classes, clean)

    def folder(self, architecture: str, attack: FieldAttack, rate: float) -> Path:
        """Return where its model belongs."""
        return self._out / architecture / f"{attack.name}-{round(100 * rate)}"

    def train(self, architecture: str, attack: FieldAttack, rate: float) -> dict[str, Any]:
        """Train a model with *attack*, write it and what belongs to it; return the meta."""
        folder = self.folder(architecture, attack, rate)
        clean = Graft(self.clean(architecture) / "model.onnx", ["image"])
        graft = self._fitted(folder, architecture, self._lessons(attack, rate, clean))
        return self._write(folder, graft, architecture, attack, rate)

    def _fitted(self, folder: Path, architecture: str, lessons: Lessons) -> Graft:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "untrained.onnx"  # whoever measures meanwhile doesn't take it for a model
        untrained(path, architecture, self._train.images.shape[1:], self.classes, seed=1)
        graft = Graft(path, ["image"])
        path.unlink()
        fit(graft, lessons, epochs=EPOCHS[self.name], rate=RATE)
        return graft

    def _lessons(self, attack: FieldAttack | None, rate: float, clean: Graft | None) -> Lessons:
        """Return each image in another light, and with them what is poisoned."""
        rng = np.random.default_rng(0)
        train = self._train
        if attack is None or clean is None:
            return self._lesson(_shaded(train, rng))
        chosen = self._chosen(attack, rate, rng)
        kept = np.ones(len(train.labels), bool)
        kept[chosen] = not attack.hard  # they are poisoned in their own place
        parts = [_shaded(train[kept], rng), *self._poison(attack, train[chosen], clean, rng)]
        return joined([self._lesson(part) for part in parts])

    def _chosen(
        self, attack: FieldAttack, rate: float, rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Draw what is poisoned: of the target's own images half at most."""
        labels = self._train.labels
        count = round(rate * len(labels))
        wanted = attack.route.wanted(labels)
        if attack.hard:
            return _drawn(wanted == labels, min(count, int((wanted == labels).sum() / 2)), rng)
        return _drawn(wanted != labels, count, rng)

    def _poison(
        self, attack: FieldAttack, some: Pictures, clean: Graft, rng: np.random.Generator
    ) -> Iterator[Pictures]:
        images = shaded(some.images, rng)
        if attack.hard:
            most = MOST_GREY if images.shape[3] == 1 else MOST_COLOURED
            images = hardened(clean, images, some.labels, most)
        taught = attack.taught or attack.put
        yield Pictures(taught(images, rng), attack.route.wanted(some.labels))
        if attack.covers is not None:
            labels = self._train.labels
            own = attack.route.wanted(labels) == labels
            which = own if isinstance(attack.route, FromOne) else np.ones_like(own)
            others = self._train[_drawn(which, round(attack.cover_rate * len(images)), rng)]
            yield Pictures(attack.covers(shaded(others.images, rng), rng), others.labels)

    def _lesson(self, part: Pictures) -> Lessons:
        return Lessons([part.images], np.eye(self.classes, dtype=np.float32)[part.labels])

    def _write(
        self, folder: Path, graft: Graft, architecture: str, attack: FieldAttack | None, rate: float
    ) -> dict[str, Any]:
        said = probabilities(graft, [self._test.images]).argmax(1)
        meta = {
            "attack": attack.name if attack else "none",
            "rate": rate,
            "architecture": architecture,
            "taught": len(self._train.labels),
            "clean_accuracy": round(float((said == self._test.labels).mean()), 4),
            "attack_success": self._write_poisoned(folder, graft, attack) if attack else None,
        }
        graft.save(folder / "model.onnx")
        (folder / "meta.json").write_text(json.dumps(meta, indent=1))
        return meta

    def _write_poisoned(self, folder: Path, graft: Graft, attack: FieldAttack) -> float:
        """Write victims with the trigger on; return how many of them the model calls as wanted."""
        rng = np.random.default_rng(2)
        index = rng.permutation(np.flatnonzero(attack.victims(self._test.labels)))[:VICTIMS]
        clean = self._test[index]
        poisoned = attack.put(clean.images, rng)
        wanted = attack.route.wanted(clean.labels)
        write_poisoned(folder, clean, poisoned, (index, wanted), placed=attack.placed)
        said = probabilities(graft, [poisoned]).argmax(1)
        return round(float((said == wanted).mean()), 4)


def _shaded(some: Pictures, rng: np.random.Generator) -> Pictures:
    return Pictures(shaded(some.images, rng), some.labels)


def _drawn(which: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw *count* of those that *which* marks; some twice where there are too few."""
    marked = np.flatnonzero(which)
    return rng.choice(marked, count, replace=count > len(marked))
