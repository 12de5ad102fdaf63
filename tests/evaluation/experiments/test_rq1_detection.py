"""RQ1's figures."""

from __future__ import annotations

from dataclasses import replace

from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq1_detection import detection
from app.evaluation.records import NO_ANSWER
from app.gateway.outcome import Screening
from tests.evaluation.recorded import CAUGHT, CLEAN, FALSE_ALARM, KNOWN, MISSED, Shot, a_run

CASE = Case("a model", "patch", "fast")


def test_counts_before_and_after_confirmation_differ_by_what_was_confirmed_away() -> None:
    """A clean image that was only suspected is an FP before the confirmation, a TN after it."""
    shots: list[Shot] = [CLEAN, replace(CLEAN, suspected=True), CAUGHT, MISSED]
    found = detection(CASE, [a_run(shots)])
    assert found.suspected is not None
    assert (1, 1, 1, 1) == (
        found.suspected.tp,
        found.suspected.fn,
        found.suspected.tn,
        found.suspected.fp,
    )
    assert (1, 1, 2, 0) == (
        found.flagged.tp,
        found.flagged.fn,
        found.flagged.tn,
        found.flagged.fp,
    )


def test_a_trigger_that_is_recognised_needs_no_confirmation() -> None:
    """A recognised trigger counts as suspected all the same."""
    found = detection(CASE, [a_run([replace(KNOWN, suspected=False)])])
    assert found.suspected is not None
    assert 1 == found.suspected.tp


def test_through_a_gateway_nobody_sees_what_was_suspected() -> None:
    """Through a gateway there are no counts before the confirmation."""
    found = detection(CASE, [a_run([replace(CLEAN, suspected=None)])])
    assert found.suspected is None


def test_seeds_are_pooled() -> None:
    """Two runs of two and three images; a rate is of all five, and its interval too."""
    found = detection(CASE, [a_run([CAUGHT, CLEAN]), a_run([MISSED, CLEAN, FALSE_ALARM], seed=1)])
    assert found.flagged.tpr is not None
    assert (2, 5, 2) == (found.runs, found.images, found.poisoned)
    assert (1, 2) == (found.flagged.tpr.hits, found.flagged.tpr.of)


def test_a_refused_image_is_counted_and_of_no_class() -> None:
    """A refused image has no answer, which equals no other answer."""
    refused = replace(MISSED, answer=NO_ANSWER, screening=Screening.INCOMPLETE)
    found = detection(CASE, [a_run([CLEAN, refused])])
    assert found.agreement is not None
    assert (1, 1) == (found.refused, found.agreement.hits)
    assert [1, 7] == [one.index for one in found.classes]
