"""What was caught, wrongly flagged and rightly answered, on runs made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.evaluation.measures.metrics import (
    agreement,
    attack_success,
    counts,
    first_flagged,
    named_classes,
    recovered,
)
from app.evaluation.measures.series import pooled, series
from app.evaluation.records import NO_ANSWER
from tests.evaluation.recorded import CAUGHT, CLEAN, FALSE_ALARM, KNOWN, MISSED, a_run

SEEN = series(a_run([CLEAN, MISSED, CAUGHT, KNOWN, FALSE_ALARM, CLEAN]))


def test_counts_are_of_flags_against_the_truth() -> None:
    """Two of three poisoned images caught, one of three clean ones flagged."""
    found = counts(SEEN.flagged, SEEN.poisoned)
    assert (2, 1, 2, 1) == (found.tp, found.fn, found.tn, found.fp)
    assert found.tpr is not None
    assert found.fpr is not None
    assert (2 / 3, 1 / 3) == (found.tpr.value, found.fpr.value)


def test_without_poisoned_images_there_is_no_tpr() -> None:
    """A clean model's run has false alarms only."""
    seen = series(a_run([CLEAN, FALSE_ALARM]))
    found = counts(seen.flagged, seen.poisoned)
    assert (None, (1, 2)) == (found.tpr, (found.fpr and (found.fpr.hits, found.fpr.of)))


def test_answers_are_measured_against_those_without_the_trigger() -> None:
    """Missed and false alarm are wrong: 4 of 6; of the 3 poisoned ones 2 are recovered."""
    rates = agreement(SEEN), attack_success(SEEN), recovered(SEEN)
    assert [(4, 6), (3, 3), (2, 3)] == [(one.hits, one.of) for one in rates if one]


def test_the_first_poisoned_image_counts_run_by_run() -> None:
    """Missed in one run, caught in the other; a run without poisoned images tells nothing."""
    runs = [[CLEAN, MISSED, CAUGHT], [CAUGHT, MISSED], [CLEAN]]
    found = first_flagged([series(a_run(shots)) for shots in runs])
    assert found is not None
    assert (1, 2) == (found.hits, found.of)


def test_a_stopped_run_counts_as_far_as_it_came() -> None:
    """What wasn't screened is neither caught nor missed."""
    seen = series(a_run([CLEAN, CAUGHT, MISSED], unscreened=1))
    found = counts(seen.flagged, seen.poisoned)
    assert (1, 0, 1, 0) == (found.tp, found.fn, found.tn, found.fp)


def test_runs_are_pooled_image_by_image() -> None:
    """Two runs of six images are twelve, and what one can't see both can't."""
    unseen = series(a_run([replace(CLEAN, suspected=None)]))
    both = pooled([SEEN, unseen])
    assert (7, None) == (len(both), both.suspected)
    assert pooled([SEEN, SEEN]).suspected is not None


def test_an_image_without_an_answer_is_of_no_class() -> None:
    """Refused images appear in no class table."""
    assert [1, 4] == named_classes(np.array([4, NO_ANSWER]), np.array([1, 1]))
