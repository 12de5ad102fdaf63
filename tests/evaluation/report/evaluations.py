"""An evaluation as if it had been done: two strategies with two seeds, of runs made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from app.detection.geometry import Box
from app.evaluation.experiments.results import Results, results
from app.evaluation.plan import Arrangement, Experiment, errands
from app.evaluation.report.document import Facts
from app.evaluation.runs.evaluating import Evaluation, Stint
from app.evaluation.runs.strip import Entropies
from app.settings import SearchMode, Strategy
from tests.evaluation.recorded import (
    CAUGHT,
    CLEAN,
    FALSE_ALARM,
    KNOWN,
    MISSED,
    a_find,
    a_run,
    a_stamp,
)

if TYPE_CHECKING:
    from app.evaluation.records import Run

SUBJECT = "signs <b>&amp;"
NAMES = tuple(f"class {i} <i>" for i in range(8))
FACTS = Facts("neo-gateway", "2026-01-02T03:04:05+00:00", 6, 0.316, SearchMode.STOP)


def an_evaluation(*, missing: int = 0) -> Evaluation:
    """Return one with all experiments done, but for the last *missing* runs."""
    planned = errands(SUBJECT, tuple(Arrangement), [Strategy.FAST, Strategy.OFF], range(2))
    evaluation = Evaluation(Stint((), planned, images=6, strip=True, trial=_never))
    for errand in planned[: len(planned) - missing]:
        fast = errand.strategy is Strategy.FAST
        evaluation.runs[errand] = _fast(errand.seed) if fast else _off(errand.seed)
        evaluation.done.add(errand)
    evaluation.class_names[SUBJECT] = NAMES
    marks = np.array([False, False, True])
    made = Entropies(np.array([1.0, 2.0]), np.array([1.5, 1.0, 0.1]), marks)
    for seed in {errand.seed for errand in evaluation.done}:
        evaluation.entropies[SUBJECT, seed] = made
    return evaluation


def all_results(evaluation: Evaluation) -> Results:
    """Return the figures of all experiments."""
    return results(evaluation, list(Experiment))


def _never(*_: object) -> NoReturn:
    raise NotImplementedError


def _fast(seed: int) -> Run:
    found = [a_find(Box(2, 3, 2, 2)), a_find(Box(6, 6, 2, 2), name="t-2")]
    shots = [CLEAN, CLEAN, CAUGHT, MISSED, KNOWN, FALSE_ALARM]
    return a_run(shots, seed=seed, stamps=[a_stamp()], found=found, attack="two-piece")


def _off(seed: int) -> Run:
    return a_run([CLEAN, MISSED], strategy="off", seed=seed, stamps=[a_stamp()], attack="two-piece")
