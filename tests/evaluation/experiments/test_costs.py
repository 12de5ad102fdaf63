"""Inferences and round trips by what an image was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.evaluation.experiments.costs import costs
from tests.evaluation.recorded import CAUGHT, CLEAN, FALSE_ALARM, KNOWN, MISSED, Shot, a_run

if TYPE_CHECKING:
    from app.evaluation.measures.intervals import Mean

DEAR = replace(CLEAN, search=31, trips=3, shared=12)


def test_clean_images_are_counted_before_and_after_the_first_find() -> None:
    """Clean images cost 1 and 31 before the find and 3 after it; poisoned ones don't count."""
    found = costs([a_run([CLEAN, DEAR, CAUGHT, replace(CLEAN, search=3), KNOWN, MISSED])])
    means = (found.clean, found.clean_searching, found.clean_knowing, found.known, found.discovery)
    assert [35 / 3, 16, 3, 6, 100] == [_value(one) for one in means]


def test_a_false_discovery_is_a_clean_image_that_cost_so_much() -> None:
    """A false discovery's 50 inferences are among those of clean images."""
    found = costs([a_run([CLEAN, FALSE_ALARM])])
    assert (25.5, 50) == (_value(found.clean), _value(found.discovery))


def test_round_trips_are_of_clean_images() -> None:
    """Two of the three clean images were answered in one round trip."""
    found = costs([a_run([CLEAN, CLEAN, DEAR, CAUGHT])])
    assert found.one_trip is not None
    assert ((2, 3), 2.8) == ((found.one_trip.hits, found.one_trip.of), found.trips_p95)


def test_nobody_knows_the_round_trips_through_a_gateway() -> None:
    """Through a gateway all round trips are 0, which is no measurement."""
    unseen = replace(CLEAN, trips=0)
    found = costs([a_run([unseen, unseen])])
    assert (None, None) == (found.one_trip, found.trips_p95)


def test_preparation_and_shared_knowledge_are_apart() -> None:
    """Neither the preparation nor shared knowledge is charged to an image."""
    found = costs([a_run([DEAR, DEAR]), a_run([CLEAN])])
    assert (1000, 12) == (_value(found.preparation), _value(found.shared))


def test_means_are_over_the_runs() -> None:
    """A run of one image weighs as much as one of three."""
    runs: list[list[Shot]] = [[CLEAN, CLEAN, CLEAN], [DEAR]]
    assert 16 == _value(costs([a_run(shots) for shots in runs]).clean)


def _value(mean: Mean | None) -> float | None:
    return None if mean is None else mean.value
