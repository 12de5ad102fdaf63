"""`make bench-opinion`: the second opinion beside what else it might be, on models of our own.

make bench-opinion ARGS="--only 'mnist_sig_*' --lenses residues views --json rows.json"

The models come from `python -m tests.benchmarks.training`; of each kind all that are there make one
row, with the spread over its models in brackets, and so do the zoo's clean ones. Thresholds are
taken from references for one false alarm in a hundred.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
from rich.console import Console
from sklearn.metrics import roc_auc_score

from app.detection.second_opinion.lens import MARGIN, at_most
from app.evaluation.measures.intervals import rate
from tests.benchmarks.opinion.lenses import LENSES
from tests.benchmarks.opinion.subjects import subjects
from tests.benchmarks.zoo import TRAINED, ZOO

if TYPE_CHECKING:
    from tests.benchmarks.opinion.lenses import Ground
    from tests.benchmarks.opinion.subjects import Subject

RATE = 0.01
GAUGED = 500


@dataclass(frozen=True)
class Measured:
    """One lens on one model: images flagged, at a threshold taken from references."""

    kind: str
    lens: str
    success: float | None
    auroc: float | None
    caught: int
    poisoned: int
    alarms: int
    clean: int


def main() -> None:
    """Measure each lens on each model that is there; print a row for each kind."""
    options = _options()
    console = Console()
    rows: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    try:
        for subject in subjects(options.zoo, options.trained, options.only):
            for secret in range(options.secrets):
                ground = subject.ground(secret)
                for lens in options.lenses:
                    rows[subject.kind, lens].append(_measured(lens, ground, subject, options))
                    console.print(f"{subject.model.name} {lens}", style="dim", highlight=False)
    finally:
        for some in rows.values():
            console.print(_line(some), soft_wrap=True, highlight=False, markup=False)
        if options.json is not None:
            every = [asdict(one) for some in rows.values() for one in some]
            options.json.write_bytes(orjson.dumps(every, option=orjson.OPT_INDENT_2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-opinion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=["*"], metavar="PATTERN")
    parser.add_argument("--lenses", nargs="+", default=list(LENSES), choices=list(LENSES))
    parser.add_argument("--clean", type=int, default=1000, help="images of each model")
    parser.add_argument("--poisoned", type=int, default=300, help="that the attack flips, of each")
    parser.add_argument("--secrets", type=int, default=1, help="of each model")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _measured(lens: str, ground: Ground, subject: Subject, options: argparse.Namespace) -> Measured:
    suspicion = LENSES[lens]
    kind, attack, images, labels = subject.kind, subject.attack, subject.images, subject.labels
    order = np.random.default_rng(ground.seed).permutation(len(images))
    clean = images[order[: options.clean]]
    scores = suspicion(ground, clean)
    above = _threshold(lens, ground)
    alarms = int((scores > above).sum())
    if attack is None:
        return Measured(kind, lens, None, None, 0, 0, alarms, len(clean))
    victims = order[::-1][labels[order[::-1]] != attack.target][: 2 * options.poisoned]
    poisoned = attack.stamped(images[victims])
    flipped = ground.labels(poisoned) == attack.target
    poisoned = poisoned[flipped][: options.poisoned]
    caught = suspicion(ground, poisoned)
    truth = np.repeat([0, 1], [len(scores), len(caught)])
    auroc = float(roc_auc_score(truth, np.concatenate([scores, caught])))
    hits = int((caught > above).sum())
    success = float(flipped.mean())
    return Measured(kind, lens, success, auroc, hits, len(caught), alarms, len(clean))


def _threshold(lens: str, ground: Ground) -> float:
    """Return the score that one clean image of a hundred is above, by the references."""
    if lens == "residues":
        sums = ground.lens.opinion.sums
        most = sum(at_most(hits, len(sums)) <= RATE for hits in range(len(sums)))
        return max(float(sums[most - 1]), math.log(MARGIN / RATE))
    gauged = LENSES[lens](ground, ground.references[ground.halves[1][:GAUGED]])
    return float(np.sort(gauged)[::-1][int(RATE * (len(gauged) + 1)) - 1])


def _line(some: list[Measured]) -> str:
    """Return one row of the table: the models of one kind, through one lens."""
    caught, poisoned = sum(one.caught for one in some), sum(one.poisoned for one in some)
    alarms, clean = sum(one.alarms for one in some), sum(one.clean for one in some)
    aurocs = [one.auroc for one in some if one.auroc is not None]
    successes = [one.success for one in some if one.success is not None]
    cells = (
        some[0].kind,
        some[0].lens,
        _spread(successes),
        _spread(aurocs),
        _interval(caught, poisoned),
        _interval(alarms, clean),
    )
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    if not values:
        return "–"
    low, high = min(values), max(values)
    return f"{np.mean(values):.3f} ({low:.3f} to {high:.3f})"


def _interval(hits: int, of: int) -> str:
    share = rate(hits, of)
    if share is None:
        return "–"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


if __name__ == "__main__":
    main()
