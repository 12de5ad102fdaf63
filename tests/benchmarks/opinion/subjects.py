"""Models whose triggers have no place, clean ones beside them, and images that none has seen."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.opinion.lenses import Ground
from tests.benchmarks.training.whole_attacks import ATTACKS
from tests.benchmarks.zoo import ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Images
    from tests.benchmarks.training.whole_attacks import WholeAttack

CLEAN = {"mnist": "normal", "signs": "signs_clean"}


@dataclass(frozen=True, eq=False)
class Subject:
    """A *model* of a *kind* with the *attack* that it was trained for, None if it is clean.

    ``images`` (n, h, w, c) are test images that it wasn't trained on, and ``labels`` (n,) theirs.
    """

    kind: str
    model: ZooModel
    attack: WholeAttack | None
    references: Images
    images: Images
    labels: NDArray[np.int64]

    def ground(self, secret: int) -> Ground:
        """Return what is measured on under *secret*."""
        return Ground(self.model.scores, self.references, secret)


def subjects(zoo: Path, trained: Path, only: Sequence[str]) -> Iterator[Subject]:
    """Yield each model that is there and whose name one of the patterns in *only* fits."""
    for folder, name in CLEAN.items():
        if _wanted(name, only):
            place = trained / f"{folder}_whole"
            yield _subject(f"{folder}, clean", ZooModel(zoo / folder, name), None, zoo, place)
    for attack in ATTACKS:
        place = trained / attack.place
        if (place / f"{attack.name}.onnx").exists() and _wanted(attack.name, only):
            kind = attack.name.rpartition("_")[0].replace("_", ", ")
            yield _subject(kind, ZooModel(place, attack.name), attack, zoo, place)


def _wanted(name: str, only: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in only)


def _subject(
    kind: str, model: ZooModel, attack: WholeAttack | None, zoo: Path, place: Path
) -> Subject:
    folder = place.name.removesuffix("_whole")
    with np.load(zoo / folder / "reference.npz") as kept, np.load(place / "test.npz") as test:
        return Subject(kind, model, attack, kept["x"], test["x"], test["y"])
