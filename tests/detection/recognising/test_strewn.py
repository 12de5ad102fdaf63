"""Copies of a known trigger away from its usual place, and its halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.recognising.strewn import measure, strewn
from app.detection.reference_set.references import Calibration, References
from tests.detection.stickers import as_jpeg, photograph, sticker, sticker_trigger, stuck
from tests.tiny import TARGET

HOME = Box(20, 30, 12, 12)
FAR, AWAY = Box(48, 4, 12, 12), Box(4, 44, 12, 12)
KNOWN = Known("t", sticker_trigger(sticker(), HOME))


@pytest.fixture(scope="module")
def references() -> References:
    """Photographs of two classes."""
    images = np.stack([photograph(seed) for seed in range(100, 124)])
    labels = np.arange(len(images)) % 2 + TARGET
    return References(images, Calibration(labels, np.zeros((0, 0), np.int64)), {}, 0)


def test_copies_elsewhere_are_seen_together(references: References) -> None:
    """Every place that shows it is told."""
    image = stuck(stuck(photograph(1), sticker(), FAR), sticker(), AWAY)
    for shown in (image, as_jpeg(image, 75)):
        seen = strewn(shown, KNOWN, references)
        assert seen is not None
        for box in (FAR, AWAY):
            assert max(place.overlap(box) for place in seen.places) >= 0.7


@pytest.mark.parametrize(("alpha", "places"), [(1.0, (FAR,)), (0.7, (FAR, HOME))])
def test_where_it_surely_is_its_usual_place_does_not_count(
    references: References, alpha: float, places: tuple[Box, ...]
) -> None:
    """Nothing is hidden there then, nor asked of nature; where it is faint its own counts, too."""
    image = as_jpeg(stuck(photograph(1), sticker(), FAR, alpha), 60)
    seen = strewn(image, KNOWN, references)
    assert seen is not None
    assert len(places) == len(seen.places)
    assert all(one.overlap(place) >= 0.7 for one, place in zip(seen.places, places, strict=True))


def test_one_image_tells_enough_to_see_it_elsewhere(references: References) -> None:
    """By the outline of its first image it is seen where it has moved to, not only by its mask."""
    whole = np.ones(sticker().shape[:2], bool)
    known = Known("t", replace(KNOWN.trigger, mask=None, outline=whole))
    seen = strewn(stuck(photograph(1), sticker(), FAR), known, references)
    assert seen is not None
    assert seen.places[0].overlap(FAR) >= 0.7


def test_copies_in_the_corners_are_seen(references: References) -> None:
    """The last place of a row counts, and so does the last row."""
    corners = Box(52, 0, 12, 12), Box(0, 52, 12, 12), Box(52, 52, 12, 12)
    image = photograph(1)
    for corner in corners:
        image = stuck(image, sticker(), corner)
    seen = strewn(image, KNOWN, references)
    assert seen is not None
    assert {*corners} <= {*seen.places}


@pytest.mark.parametrize("upright", [True, False])
def test_two_halves_are_seen_together(references: References, *, upright: bool) -> None:
    """One where it always is and the other elsewhere, cut upright or across."""
    what = sticker()
    if upright:
        halves, first, second = (what[:, :6], what[:, 6:]), (6, 12), Box(50, 40, 6, 12)
    else:
        halves, first, second = (what[:6], what[6:]), (12, 6), Box(50, 40, 12, 6)
    at_home = replace(HOME, width=first[0], height=first[1])
    image = stuck(stuck(photograph(1), halves[0], at_home), halves[1], second)
    seen = strewn(image, KNOWN, references)
    assert seen is not None
    assert [at_home, second] == [*seen.places]


def test_clean_photographs_show_neither(references: References) -> None:
    """Nor does half of it alone."""
    for seed in range(10, 30):
        assert strewn(photograph(seed), KNOWN, references) is None
    half = stuck(photograph(1), sticker()[:, :6], replace(HOME, width=6))
    assert strewn(half, KNOWN, references) is None


def test_what_is_everywhere_is_seen_nowhere(references: References) -> None:
    """A patch that clean images show somewhere as well tells nothing by being there."""
    mark = Box(40, 50, 12, 12)
    images = np.stack([stuck(image, sticker(), mark) for image in references.images])
    marked = replace(references, images=images, usual_strewn={})
    image = stuck(photograph(1), sticker(), FAR)
    assert strewn(image, KNOWN, marked) is None
    measure(KNOWN, marked)
    assert strewn(image, KNOWN, marked) is None


def test_one_that_moves_is_looked_for_too(references: References) -> None:
    """Its best place alone, anywhere, says nothing of a second one."""
    moving = Known("t", replace(KNOWN.trigger, moves=True))
    seen = strewn(stuck(stuck(photograph(1), sticker(), FAR), sticker(), AWAY), moving, references)
    assert seen is not None
    assert {FAR, AWAY} <= {*seen.places}


@pytest.mark.parametrize("change", ["no mask", "of one class"])
def test_some_are_left_to_others(references: References, change: str) -> None:
    """Of these too little is known."""
    trigger = {
        "no mask": replace(KNOWN.trigger, mask=None),
        "of one class": replace(KNOWN.trigger, source=0),
    }[change]
    image = stuck(stuck(photograph(1), sticker(), FAR), sticker(), AWAY)
    assert strewn(image, Known("t", trigger), references) is None
