"""RQ4's figures."""

from __future__ import annotations

from app.detection.geometry import Box
from app.evaluation.experiments.case import Case
from app.evaluation.experiments.rq4_reconstruction import best_fitting, reconstruction
from tests.evaluation.recorded import CLEAN, a_find, a_run, a_stamp

CASE = Case("a model", "patch", "fast")
TRUE, HALF, APART = Box(2, 3, 2, 2), Box(2, 3, 2, 1), Box(6, 6, 2, 2)


def test_each_true_trigger_has_its_best_overlap_in_each_run() -> None:
    """The trigger is whole in one run, half in the next, and missing in the last."""
    runs = [
        a_run([CLEAN], stamps=[a_stamp()], found=[a_find(box) for box in boxes], seed=seed)
        for seed, boxes in enumerate(([APART, TRUE], [HALF], []))
    ]
    (likeness,) = reconstruction(CASE, runs).likenesses
    assert likeness.mean_overlap is not None
    assert ((1.0, 0.5, 0.0), 0.5) == (likeness.overlaps, likeness.mean_overlap.value)


def test_a_found_trigger_tells_where_it_was_seen_first_and_what_it_turns() -> None:
    """Its first image is counted from 1; one of its two examples turned."""
    run = a_run([CLEAN], stamps=[a_stamp()], found=[a_find(HALF)], seed=4)
    (found,) = reconstruction(CASE, [run]).found
    assert (4, 4, 1, 2, 0.5) == (
        found.seed,
        found.image,
        found.turned,
        found.stamped,
        found.best_overlap,
    )


def test_without_a_true_trigger_there_is_nothing_to_compare_with() -> None:
    """A trigger found in a clean model has no overlap."""
    made = reconstruction(CASE, [a_run([CLEAN], attack=None, found=[a_find(TRUE)])])
    assert ((), [None]) == (made.likenesses, [one.best_overlap for one in made.found])


def test_what_touches_no_true_trigger_fits_none() -> None:
    """A found trigger beside every true one is shown apart."""
    assert best_fitting(a_stamp(), [a_find(APART)]) is None
    fitting = best_fitting(a_stamp(), [a_find(APART, name="far"), a_find(HALF, name="near")])
    assert fitting is not None
    assert "near" == fitting.id
