"""What two images have in common at one place, beside what clean ones have."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from app.detection.geometry import Box
from app.detection.suspect import Suspect, sketched, suspect_in
from app.detection.suspects.agreement import MOST_MEASURED, agreement, usual_agreement
from tests.detection.suspects.worlds import (
    PLACE,
    SOURCE,
    STICKER,
    TARGET,
    bearing,
    over_general,
    pictures,
    victims,
)

WINDOW = PLACE.grown(4, 32, 32)


def _suspect(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Suspect:
    return suspect_in(image, TARGET, WINDOW, source=SOURCE)


def test_a_sticker_stands_out_from_what_is_around_it() -> None:
    """It is found where it is, a pixel off too, far above what clean images agree in."""
    its = over_general()
    first, second, *_ = victims(its)
    suspect = _suspect(first)
    usually = usual_agreement(suspect, its.references)
    for moved in (0, 1):
        place = Box(PLACE.x + moved, PLACE.y, PLACE.width, PLACE.height)
        shown = bearing(its.of_class(SOURCE)[3], STICKER, place)
        for image, where in ((second, PLACE), (shown, place)):
            seen = agreement(image, suspect, its.references)
            assert seen is not None
            assert seen.strength > usually.mean + 4 * usually.spread
            assert seen.box.overlap(where) >= 0.7


def test_clean_images_agree_as_clean_ones_do() -> None:
    """Other pictures of the class are within what is usual, but for one in a hundred."""
    its = over_general()
    usually = usual_agreement(_suspect(its.of_class(TARGET)[0]), its.references)
    shown = [one for one in pictures(80, 9) if its.label(one) == TARGET]
    strengths = [
        seen.strength
        for a, b in pairwise(shown)
        if (seen := agreement(b, _suspect(a), its.references)) is not None
    ]
    assert len(strengths) >= 15
    assert np.mean(np.array(strengths) > usually.mean + 4 * usually.spread) <= 0.05


def test_a_sketch_is_of_few_pixels() -> None:
    """Of an image of any size, as large as it at most."""
    sizes = [(8, 8, 1), (28, 28, 1), (48, 40, 3), (224, 224, 3)]
    sketches = [sketched(np.full(size, 7, np.uint8)) for size in sizes]
    assert [(8, 8, 1), (12, 12, 1), (12, 12, 3), (12, 12, 3)] == [one.shape for one in sketches]
    assert {7} == {int(value) for one in sketches for value in np.unique(one)}


def test_what_is_usual_is_kept_of_so_many_boxes() -> None:
    """Whoever sends images chooses the boxes: beyond a bound the oldest goes for a new one."""
    its = over_general()
    kept = replace(its.references, usual_agreements=dict.fromkeys(range(MOST_MEASURED)))
    usually = usual_agreement(_suspect(victims(its)[0]), kept)
    assert MOST_MEASURED == len(kept.usual_agreements)
    assert 0 not in kept.usual_agreements
    assert usually is usual_agreement(_suspect(victims(its)[1]), kept)
