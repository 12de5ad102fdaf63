"""What an evaluation comes to: all figures, from the runs that were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq1_detection import Detection, detection
from app.evaluation.experiments.rq2_time import Timing, timing
from app.evaluation.experiments.rq3_classes import Classes, classes
from app.evaluation.experiments.rq4_reconstruction import Reconstruction, reconstruction
from app.evaluation.plan import FIRST_AT, Arrangement, Experiment
from app.evaluation.runs.strip import Baseline, baseline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.plan import Errand
    from app.evaluation.records import Run
    from app.evaluation.runs.evaluating import Evaluation


@dataclass(frozen=True)
class Results:
    """The figures of each experiment, a case each; empty where an experiment wasn't asked for."""

    detections: tuple[Detection, ...]
    baselines: tuple[Baseline, ...]
    timings: tuple[Timing, ...]
    classes: tuple[Classes, ...]
    reconstructions: tuple[Reconstruction, ...]


def results(evaluation: Evaluation, experiments: Sequence[Experiment]) -> Results:
    """Return the figures of the *experiments*, of as much as has been done."""
    runs = evaluation.runs
    mixed = list(cases(runs, Arrangement.MIXED))
    first, second, third, fourth = (one in experiments for one in Experiment)
    return Results(
        detections=tuple(detection(*one) for one in mixed if first),
        baselines=tuple(_baselines(evaluation)),
        timings=tuple(
            timing(case, kind, some)
            for kind in FIRST_AT
            for case, some in cases(runs, kind)
            if second
        ),
        classes=tuple(classes(*one) for one in cases(runs, Arrangement.ALL_POISONED) if third),
        reconstructions=tuple(reconstruction(*one) for one in mixed if fourth),
    )


def cases(
    runs: dict[Errand, Run], arrangement: Arrangement
) -> Iterator[tuple[Case, tuple[Run, ...]]]:
    """Return the runs on streams of one arrangement by case, one a seed, as they were made."""
    found: dict[Case, list[Run]] = {}
    for errand, run in runs.items():
        if errand.arrangement is arrangement:
            found.setdefault(Case(errand.subject, run.attack, run.strategy), []).append(run)
    yield from ((case, tuple(some)) for case, some in found.items())


def _baselines(evaluation: Evaluation) -> Iterator[Baseline]:
    attacks = {errand.subject: run.attack for errand, run in evaluation.runs.items()}
    for subject in dict.fromkeys(name for name, _ in evaluation.entropies):
        runs = [one for (name, _), one in evaluation.entropies.items() if name == subject]
        yield baseline(subject, attacks[subject], runs)
