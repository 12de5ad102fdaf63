"""The JSON document."""

from __future__ import annotations

import json

from app.evaluation.report.document import document
from tests.evaluation.report.evaluations import FACTS, SUBJECT, all_results, an_evaluation


def test_it_is_read_back_with_all_figures_and_series() -> None:
    """The JSON has rates with intervals, a column for each fact of an image, and every run."""
    evaluation = an_evaluation()
    told = json.loads(document(evaluation, all_results(evaluation), FACTS))
    assert (1, True, []) == (told["format"], told["complete"], told["missing"])
    fast = told["results"]["detections"][0]
    assert {"subject": SUBJECT, "attack": "two-piece", "strategy": "fast"} == fast["case"]
    assert (4, 6) == (fast["flagged"]["tpr"]["hits"], fast["flagged"]["tpr"]["of"])
    assert fast["flagged"]["tpr"]["low"] < 4 / 6 < fast["flagged"]["tpr"]["high"]
    assert 20 == len(told["runs"])
    assert {6, 2} == {len(run["series"]["inferences"]) for run in told["runs"]}
    assert [1, 1, 100, 4, 6, 50] == told["runs"][0]["series"]["inferences"]


def test_each_experiment_has_its_results() -> None:
    """Each experiment has two cases, and RQ2 three streams of each."""
    evaluation = an_evaluation()
    told = json.loads(document(evaluation, all_results(evaluation), FACTS))["results"]
    counts = {name: len(told[name]) for name in told}
    assert {
        "detections": 2,
        "baselines": 1,
        "timings": 6,
        "classes": 2,
        "reconstructions": 2,
    } == counts


def test_it_says_what_is_missing() -> None:
    """After Ctrl-C the document lists the errands that weren't done."""
    evaluation = an_evaluation(missing=1)
    told = json.loads(document(evaluation, all_results(evaluation), FACTS))
    assert (False, 19) == (told["complete"], len(told["runs"]))
    assert [("all poisoned", 1, "off")] == [
        (one["arrangement"], one["seed"], one["strategy"]) for one in told["missing"]
    ]
