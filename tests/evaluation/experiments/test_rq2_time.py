"""RQ2's figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.detection.search import Purpose
from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq2_time import Timing, timing
from app.evaluation.plan import Arrangement
from app.evaluation.records import Spent
from tests.evaluation.recorded import CAUGHT, CLEAN, KNOWN, MISSED, Shot, a_run

SHOTS: list[Shot] = [CLEAN, MISSED, CAUGHT, KNOWN]


def _timing(*runs: list[Shot]) -> Timing:
    made = [a_run(shots) for shots in runs]
    return timing(Case("a model", "patch", "fast"), Arrangement.FIRST_AT_10, made)


def test_the_total_is_of_all_images_without_the_preparation() -> None:
    """The totals are sums over the four images: inferences, round trips and seconds."""
    found = _timing(SHOTS)
    values = [found.total.inferences, found.total.round_trips, found.total.seconds]
    assert pytest.approx([111, 13, 0.6]) == [one.value for one in values if one]
    assert found.preparation.inferences is not None
    assert 1000 == found.preparation.inferences.value


def test_the_parts_add_up_to_the_total() -> None:
    """Search and confirmation are told apart; nothing was spent on the rest."""
    parts = {
        purpose: part.inferences.value
        for purpose, part in _timing(SHOTS).parts.items()
        if part.inferences
    }
    assert {
        Purpose.SEARCH: 51,
        Purpose.RECOGNISE: 0,
        Purpose.CONFIRM: 60,
        Purpose.BLOCK: 0,
    } == parts


def test_detected_is_the_first_poisoned_image_that_was_flagged() -> None:
    """The missed image before it doesn't count as detected, but its inferences do."""
    found = _timing(SHOTS)
    assert found.until_detected.inferences is not None
    assert 105 == found.until_detected.inferences.value


def test_a_run_in_which_none_was_detected_has_no_time_until_then() -> None:
    """Of two runs one detects an image, and the mean is over that one."""
    found = _timing(SHOTS, [CLEAN, MISSED])
    assert found.detected is not None
    assert found.until_detected.inferences is not None
    assert (1, 2) == (found.detected.hits, found.detected.of)
    assert (105, 1) == (found.until_detected.inferences.value, found.until_detected.inferences.runs)


def test_what_a_gateway_doesnt_tell_is_not_zero() -> None:
    """A gateway's round trips, its probes' purposes and its preparation are unknown, not 0."""
    run = a_run([replace(CLEAN, trips=0, suspected=None)], prepared=Spent())
    found = timing(Case("a model", None, "gateway"), Arrangement.FIRST_AT_10, [run])
    assert (None, None) == (found.total.round_trips, found.preparation.inferences)
    assert {None} == {part.inferences for part in found.parts.values()}
