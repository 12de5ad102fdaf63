"""The sentences below RQ1's table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq1_detection import detection
from app.evaluation.records import NO_ANSWER
from app.evaluation.report.tables.reasons import reasons
from app.gateway.outcome import Screening
from tests.evaluation.recorded import CAUGHT, CLEAN, KNOWN, MISSED, Shot, a_run


def _reasons(shots: list[Shot], attack: str = "patch", strategy: str = "fast") -> list[str]:
    made = a_run(shots, attack=attack, strategy=strategy)
    return list(reasons(detection(Case("it", attack, strategy), [made])))


def test_what_was_caught_needs_no_reason() -> None:
    """Neither an attack that was caught nor a clean model is explained."""
    assert [] == _reasons([CLEAN, CAUGHT, KNOWN])
    assert [] == _reasons([CLEAN])


@pytest.mark.parametrize("strategy", ["fast", "full", "paper"])
def test_a_blended_pattern_is_outside_the_attack_model_of_every_strategy(strategy: str) -> None:
    """A blended pattern is explained by its having no place, whatever the strategy."""
    (sentence,) = _reasons([MISSED], "blended", strategy)
    assert "it, " + strategy + ": 0 of 1 caught: the pattern lies over the whole image" in sentence


def test_a_source_specific_trigger_is_nothing_that_fast_looks_for() -> None:
    """`fast` is excused, and the reader is sent to `full`; `full` itself has no such excuse."""
    (fast,) = _reasons([MISSED], "source-specific", "fast")
    (full,) = _reasons([MISSED], "source-specific", "full")
    assert (True, False) == ("`full` looks for others" in fast, "`full` looks for others" in full)


def test_an_attack_that_doesnt_work_is_no_miss_of_the_defence() -> None:
    """Where the model's answer is the same with the trigger on, that is the reason given."""
    (sentence,) = _reasons([replace(MISSED, said=1, answer=1)])
    assert "0 of 1 caught: the model's answer changes in 0 of 1" in sentence


def test_images_without_an_answer_are_told_of() -> None:
    """Images that got no answer are told of, even where everything else was caught."""
    refused = replace(MISSED, answer=NO_ANSWER, screening=Screening.INCOMPLETE)
    sentences = _reasons([*[KNOWN] * 18, refused])
    assert ["it, fast: 1 of 19 images got no answer"] == [one[:38] for one in sentences]
