"""Where a trigger's pixels lie in an image, and how well they fit there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.matching import (
    LEVELS,
    Likeness,
    glimpse,
    hint,
    likeness,
    match_at,
    matches,
    nearness,
    spotted,
)
from tests.detection.shapes import boxes_within
from tests.detection.stickers import (
    SIDE,
    STICKER_SIDE,
    as_jpeg,
    lettered,
    photograph,
    sticker,
    sticker_trigger,
    stuck,
)

HOME = Box(20, 30, STICKER_SIDE, STICKER_SIDE)
WHAT = likeness(sticker_trigger(sticker(), HOME))
EVERYWHERE = Box(0, 0, SIDE, SIDE)
CLEAN_AT_MOST = 0.5
"""What no clean photograph of these tests reaches; on real ones 0.6."""

PLACES = [
    Box(20, 30, 12, 12),
    Box(0, 0, 12, 12),  # in a corner
    Box(52, 52, 12, 12),
    Box(6, 40, 12, 12),
    Box(30, 20, 10, 10),  # 0.8 times its size
    Box(30, 20, 15, 15),  # 1.25 times
    Box(30, 20, 14, 11),  # stretched
    Box(11, 33, 11, 14),
]


@pytest.mark.parametrize("box", PLACES, ids=str)
def test_found_wherever_and_however_large_it_is(box: Box) -> None:
    """Moved, from 0.8 to 1.25 times its size, or stretched, it is found where it lies."""
    best = matches(stuck(photograph(1), sticker(), box), WHAT, EVERYWHERE)[0]
    assert best.box.overlap(box) >= 0.75
    assert best.fit >= 0.75


def test_found_between_the_places_of_the_shrunken_copy() -> None:
    """At an odd place it is found to within a pixel a side."""
    for box in (Box(5, 41, 12, 12), Box(41, 9, 12, 12)):
        best = matches(stuck(photograph(1), sticker(), box), WHAT, EVERYWHERE)[0]
        assert best.box.overlap(box) >= 0.65
        assert best.fit >= 0.75


def test_in_its_own_size_it_is_found_just_where_it_lies() -> None:
    """Between two pixels of the shrunken copy, where it looks stretched, too."""
    for box in (Box(x, y, 12, 12) for x in (20, 21) for y in (30, 31)):
        image = stuck(photograph(1), sticker(), box)
        best = matches(image, WHAT, EVERYWHERE)[0]
        assert best.box == box
        assert best.fit >= max(0.99, hint(image, WHAT, EVERYWHERE))


@pytest.mark.parametrize(("wide", "tall"), [(26, 11), (27, 11), (27, 12), (30, 12), (28, 12)])
def test_letters_are_found_to_the_pixel(wide: int, tall: int) -> None:
    """Each looks like the next one, and a twentieth narrower half of them lie beside their own."""
    side, what = 96, likeness(sticker_trigger(lettered(), Box(34, 40, 28, 12), 96))
    for seed in range(4):
        box = Box(33 + seed, 41 - seed % 2, wide, tall)
        image = as_jpeg(stuck(photograph(seed, side), lettered(), box), 85)
        best = matches(image, what, Box(14, 20, 68, 52))[0]
        assert best.box.overlap(box) >= 0.8
        assert best.fit >= 0.85


@pytest.mark.parametrize("quality", [50, 95])
@pytest.mark.parametrize("box", PLACES[::2], ids=str)
def test_found_after_jpeg(box: Box, quality: int) -> None:
    """What a JPEG file leaves of it fits better than any clean photograph does."""
    image = as_jpeg(stuck(photograph(4), sticker(), box), quality)
    best = matches(image, WHAT, EVERYWHERE)[0]
    assert best.box.overlap(box) >= 0.55
    assert best.fit > 0.6 > CLEAN_AT_MOST


@pytest.mark.parametrize(
    ("alpha", "gain", "offset"),
    [(0.5, 1.0, 0.0), (1.0, 0.6, 50.0), (1.0, 1.0, 30.0), (1.0, 1.0, -30.0), (0.7, 1.2, 0.0)],
)
def test_found_fainter_or_of_another_contrast(alpha: float, gain: float, offset: float) -> None:
    """Half transparent, paler, lighter or darker it is found all the same."""
    box = Box(40, 10, 12, 12)
    image = stuck(photograph(2), sticker(), box, alpha, gain, offset)
    best = matches(image, WHAT, EVERYWHERE)[0]
    assert best.box.overlap(box) >= 0.75
    assert best.fit >= 0.7


@pytest.mark.parametrize("alpha", [0.4, 0.6, 0.8])
def test_says_how_much_is_left_of_it(alpha: float) -> None:
    """On an even background the alpha of a translucent sticker is what was put there."""
    even = np.full((SIDE, SIDE, 3), 128, np.uint8)
    best = matches(stuck(even, sticker(), HOME, alpha), WHAT, EVERYWHERE)[0]
    assert alpha == pytest.approx(best.alpha, abs=0.02)
    assert best.fit == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", range(10, 22))
def test_clean_photographs_fit_little(seed: int) -> None:
    """The best place of a clean photograph explains less than half of what is there."""
    assert matches(photograph(seed), WHAT, EVERYWHERE)[0].fit < CLEAN_AT_MOST


def test_noise_and_nothing_fit_least() -> None:
    """Neither noise nor an even image look like a sticker anywhere."""
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    assert matches(noise, WHAT, EVERYWHERE)[0].fit < 0.2
    assert 0 == matches(np.full_like(noise, 90), WHAT, EVERYWHERE)[0].fit


def test_another_sticker_does_not_fit() -> None:
    """A sticker of other shapes is no better than a clean photograph."""
    for seed in range(1, 4):
        image = stuck(photograph(seed), sticker(seed), HOME)
        assert matches(image, WHAT, EVERYWHERE)[0].fit < 0.6


def test_all_copies_are_found() -> None:
    """Three stickers in one image are three places, and none of them overlap."""
    boxes = [Box(4, 4, 12, 12), Box(30, 10, 12, 12), Box(44, 46, 12, 12)]
    image = photograph(3)
    for box in boxes:
        image = stuck(image, sticker(), box)
    found = matches(image, WHAT, EVERYWHERE)
    assert len(boxes) == len(found)
    assert all(max(one.box.overlap(box) for one in found) >= 0.55 for box in boxes)
    assert sorted((one.fit for one in found), reverse=True) == [one.fit for one in found]


def test_one_sticker_is_one_match() -> None:
    """What clean parts of the image have of it is no copy."""
    for seed in range(3):
        assert 1 == len(matches(stuck(photograph(seed), sticker(), HOME), WHAT, EVERYWHERE))


def test_only_looks_in_its_area() -> None:
    """What lies outside the area isn't found, and a place never leaves it."""
    image = stuck(photograph(2), sticker(), Box(45, 45, 12, 12))
    area = Box(3, 5, 30, 28)
    for one in matches(image, WHAT, area):
        assert one.fit < CLEAN_AT_MOST
        assert area.x <= one.box.x <= one.box.x + one.box.width <= area.x + area.width
        assert area.y <= one.box.y <= one.box.y + one.box.height <= area.y + area.height


@settings(max_examples=30)
@given(boxes_within(SIDE, SIDE), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]))
def test_any_area_and_any_size(area: Box, height: int, width: int, channels: int) -> None:
    """Whatever the sizes, each match lies in the image and fits between 0 and 1."""
    image = photograph(1)[..., :channels]
    what = Likeness(
        np.full((height, width, channels), 200, np.float32), np.ones((height, width), np.float32)
    )
    for one in matches(image, what, area):
        assert 0 <= one.box.x <= one.box.x + one.box.width <= SIDE
        assert 0 <= one.box.y <= one.box.y + one.box.height <= SIDE
        assert 0 <= one.fit <= 1 + 1e-5  # in single precision


@pytest.mark.parametrize("box", PLACES)
def test_the_best_alone_is_found_where_the_copies_are(box: Box) -> None:
    """Without its copies the best match is at the same place, in about the same size."""
    small = likeness(sticker_trigger(sticker(side=6), Box(20, 30, 6, 6)))
    image = stuck(
        photograph(1), sticker(side=6), Box(box.x, box.y, box.width // 2, box.height // 2)
    )
    best, alone = (
        matches(image, small, EVERYWHERE)[0],
        matches(image, small, EVERYWHERE, copies=False),
    )
    assert 1 == len(alone)
    assert alone[0].box.overlap(best.box) >= 0.6
    assert alone[0].fit >= best.fit - 0.1


def test_no_match_where_it_has_no_room() -> None:
    """An area smaller than the sticker at its smallest has no place for it."""
    assert [] == matches(photograph(1), WHAT, Box(10, 10, 7, 7))


@pytest.mark.parametrize("side", [16, 17, 19, 20])
def test_what_is_as_large_as_the_image_stays_in_it(side: int) -> None:
    """Where the shrunken copy has room for more than the image itself no match leaves that."""
    what = likeness(sticker_trigger(sticker(side=18), Box(0, 0, 18, 18)))
    for one in matches(photograph(1, side), what, Box(0, 0, side, side)):
        assert 0 <= min(one.box.x, one.box.y)
        assert max(one.box.x + one.box.width, one.box.y + one.box.height) <= side


def test_a_large_image_is_compared_in_a_shrunken_copy() -> None:
    """Beyond 256 pixels a side the place is found to within the pixels of the copy."""
    side, box = 600, Box(411, 203, 48, 48)
    image = stuck(photograph(5, side), sticker(side=48), box)
    what = likeness(sticker_trigger(sticker(side=48), box, side))
    best = matches(image, what, Box(0, 0, side, side))[0]
    assert best.box.overlap(box) >= 0.8
    assert best.fit >= 0.8


def test_fit_at_one_place() -> None:
    """Just at its place it fits wholly, and two sticker's widths beside it not at all well."""
    image = stuck(photograph(2), sticker(), HOME)
    assert match_at(image, WHAT, HOME).fit == pytest.approx(1, abs=1e-3)
    assert match_at(image, WHAT, replace(HOME, x=44)).fit < CLEAN_AT_MOST


@pytest.mark.parametrize("box", [Box(0, 0, 12, 12), Box(52, 0, 12, 12), Box(52, 52, 12, 12)])
def test_fit_at_an_edge(box: Box) -> None:
    """At the image's edges the surroundings are those that there are."""
    image = stuck(photograph(6), sticker(), box)
    assert match_at(image, WHAT, box).fit == pytest.approx(1, abs=1e-3)


def test_a_glimpse_misses_no_sticker() -> None:
    """A shrunken copy alone shows a sticker in about every place; an even image shows none."""
    assert 0.5 <= min(
        glimpse(stuck(photograph(1), sticker(), box), WHAT, EVERYWHERE) for box in PLACES
    )
    assert 0 == glimpse(np.full((SIDE, SIDE, 3), 90, np.uint8), WHAT, EVERYWHERE)
    assert 0 == glimpse(photograph(1), WHAT, Box(0, 0, 3, 3))


def test_nearness_is_the_share_of_pixels_as_they_are() -> None:
    """Within the levels that JPEG moves them they count, beyond these they don't."""
    image = stuck(photograph(2), sticker(), HOME)
    assert 1 == nearness(image, WHAT, HOME)
    image[HOME.rows, HOME.columns][:6] ^= 128
    assert 0.5 == nearness(image, WHAT, HOME)
    even = np.full((12, 12, 3), 100, np.uint8)
    what = likeness(sticker_trigger(even, HOME))
    for off, expected in ((LEVELS, 1), (LEVELS + 1, 0)):
        assert expected == nearness(np.full((SIDE, SIDE, 3), 100 + off, np.uint8), what, HOME)


def test_only_its_own_pixels_count() -> None:
    """What shows between a shape's own pixels changes nothing of its fit."""
    trigger = sticker_trigger(sticker(), HOME)
    mask = np.zeros((12, 12), bool)
    mask[:, 3:9] = True
    what = likeness(replace(trigger, mask=mask))
    image = photograph(8)
    image[HOME.rows, HOME.columns][mask] = sticker()[mask]
    assert match_at(image, what, HOME).fit == pytest.approx(1, abs=1e-3)
    assert match_at(image, WHAT, HOME).fit < 0.95


@pytest.mark.parametrize("mask", [None, np.zeros((12, 12), bool)])
def test_without_own_pixels_all_of_the_box_is_looked_for(
    mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]] | None,
) -> None:
    """Where a trigger's own pixels aren't known, or there are none, its whole box counts."""
    what = likeness(replace(sticker_trigger(sticker(), HOME), mask=mask))
    assert (what.weights == 1).all()


def test_it_is_spotted_in_its_own_size() -> None:
    """A shrunken copy tells about where it is; where it is too large it is nowhere."""
    place = Box(44, 6, 12, 12)
    seen = spotted(stuck(photograph(1), sticker(), place), WHAT, EVERYWHERE)
    assert seen is not None
    assert seen.fit > 0.6
    assert seen.box.overlap(place) >= 0.5
    assert spotted(photograph(1), WHAT, Box(0, 0, 6, 6)) is None
