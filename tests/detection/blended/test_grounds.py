"""What a place is made of in clean images is measured once, of few places at a time."""

from __future__ import annotations

from app.detection.blended.grounds import PLACES, ground_at
from app.detection.geometry import Box
from tests.detection.blended.overlays import OWN, PLACE, STUCK
from tests.detection.blended.worlds import lens


def test_it_is_measured_once() -> None:
    """And forgotten where too many other places have been asked for since."""
    references = lens().references
    first = ground_at(PLACE, references)
    assert first is ground_at(PLACE, references)
    for i in range(PLACES):
        ground_at(Box(i % 8, i // 8, 4, 4), references)
    assert len(references.usual_grounds) <= PLACES
    assert first is not ground_at(PLACE, references)


def test_what_is_laid_over_is_left_and_common() -> None:
    """Two clean images have little of that in common, two with the same sticker all of it."""
    ground = ground_at(PLACE, lens().references)
    clean, stuck = (
        [ground.span.residue(one[PLACE.rows, PLACE.columns]) for one in some[:2]]
        for some in (OWN, STUCK)
    )
    usually = ground.usually.mean + ground.usually.spread
    assert abs(ground.in_common(*clean)) < 5 * usually < ground.in_common(*stuck)
