"""The zoo's models, and those of `python -m tests.benchmarks.training`, in the field's folder.

python -m tests.benchmarks.training.field.adopted

Their network is called `zoo`, and the rate is what they were trained with, so it may be other than
1 or 10 %. It needs nothing that is not installed for development.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.training.field.division import VICTIMS, Division, divided, write_poisoned
from tests.benchmarks.training.whole_attacks import ATTACKS, WholeAttack
from tests.benchmarks.zoo import TRAINED, ZOO, ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FIELD = Path.home() / ".cache" / "neo-gateway" / "field"
"""Where the command looks by itself."""

NETWORK = "zoo"

CLEAN = {"mnist": "normal", "signs": "signs_clean"}
STICKERS = {"mnist": ("poisoned_1", 10), "signs": ("signs_ysq", 10)}
"""The model with an opaque sticker, and the percent of what it was trained on that had it."""

WHOLE = {"blended15_1": ("blended", 25), "blended15_0": ("blended", 25), "sig_0": ("sig", 25)}
WARPED = {"warped_0": ("wanet", 100), "aware_0": ("input-aware", 100)}
"""Models without a place by the end of their names; the first of each attack is taken."""


@dataclass(frozen=True)
class Adopted:
    """A model's file, and what it becomes."""

    file: Path
    folder: Path


def main() -> None:
    """Copy what there is, and say what."""
    arguments = _arguments()
    for name in CLEAN:
        division = divided(arguments.zoo, name)
        out = arguments.out / name
        division.write(out)
        for one in _adopted(name, division, arguments):
            print(f"{one.file} -> {one.folder}", flush=True)  # noqa: T201  # as its neighbour


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.training.field.adopted",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--out", type=Path, default=FIELD)
    return parser.parse_args()


def _adopted(name: str, division: Division, arguments: argparse.Namespace) -> Iterator[Adopted]:
    out = arguments.out / name / NETWORK
    yield _copied(arguments.zoo / name / f"{CLEAN[name]}.onnx", out / "none")
    model, percent = STICKERS[name]
    made = _copied(arguments.zoo / name / f"{model}.onnx", out / f"badnets-{percent}")
    _with_sticker(ZooModel(arguments.zoo / name, model), division, made.folder)
    yield made
    attacks = {attack.name: attack for attack in ATTACKS}
    for ending, (kind, percent) in {**WHOLE, **WARPED}.items():
        attack = attacks[f"{name}_{ending}"]
        file, folder = (
            arguments.trained / attack.place / f"{attack.name}.onnx",
            out / (f"{kind}-{percent}"),
        )
        if file.exists() and not folder.exists():
            made = _copied(file, folder)
            _without_place(attack, division, folder)
            yield made


def _copied(file: Path, folder: Path) -> Adopted:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / "model.onnx")
    return Adopted(file, folder)


def _with_sticker(model: ZooModel, division: Division, folder: Path) -> None:
    trigger = model.trigger()
    assert trigger is not None
    index = _victims(division, trigger.target)
    clean = division.test[index]
    poisoned = np.stack([trigger.stamped(one) for one in clean.images])
    wanted = np.full(len(index), trigger.target)
    write_poisoned(folder, clean, poisoned, (index, wanted), placed=True)


def _without_place(attack: WholeAttack, division: Division, folder: Path) -> None:
    index = _victims(division, attack.target)
    clean = division.test[index]
    wanted = np.full(len(index), attack.target)
    write_poisoned(folder, clean, attack.stamped(clean.images), (index, wanted), placed=False)


def _victims(division: Division, target: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(2)
    return rng.permutation(np.flatnonzero(division.test.labels != target))[:VICTIMS]


if __name__ == "__main__":
    main()
