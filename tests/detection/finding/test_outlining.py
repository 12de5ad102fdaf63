"""A found box tells which of its pixels are the trigger's, by what is around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.finding.outlining import outlined, standing_out
from app.detection.geometry import Box
from app.detection.matching import glimpse, likeness, matches
from app.detection.recognising.sighting import GLIMPSED_FIT
from tests.detection.stickers import as_jpeg, photograph, sticker_trigger

SIDE = 96
PLACE = Box(40, 30, 16, 16)


def _soft(seed: int) -> np.ndarray:
    """Return a part of a photograph: shapes that are larger than a sticker."""
    return photograph(seed, 4 * SIDE)[:SIDE, :SIDE].copy()


def _ring() -> tuple[np.ndarray, np.ndarray]:
    """Return a round sticker, red around grey, and which of its pixels are its own."""
    off = np.hypot(*(np.indices((16, 16)) - 7.5))
    pixels = np.where((off > 4)[..., None], (230, 20, 20), (120, 120, 120)).astype(np.uint8)
    return pixels, off <= 8


def _shown(seed: int = 0, place: Box = PLACE) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph with it at *place*, and which pixels of the image are the sticker's."""
    pixels, own = _ring()
    photo, true = _soft(seed), np.zeros((SIDE, SIDE), bool)
    region = photo[place.rows, place.columns]
    region[own] = pixels[own]
    true[place.rows, place.columns] = own
    return photo, true


def _overlap(found: tuple[Box, np.ndarray], true: np.ndarray) -> float:
    box, own = found
    shown = np.zeros((SIDE, SIDE), bool)
    shown[box.rows, box.columns] = own
    return float((shown & true).sum() / (shown | true).sum())


@pytest.mark.parametrize("margin", [0, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_a_sticker_is_told_from_what_is_around_it(seed: int, margin: int) -> None:
    """However loose its box is, and through JPEG: its grey middle is its own, the rest isn't."""
    photo, true = _shown(seed)
    found = outlined(as_jpeg(photo, 85), PLACE.grown(margin, SIDE, SIDE))
    assert found is not None
    assert _overlap(found, true) >= 0.75


def test_a_box_that_lacks_a_part_is_grown() -> None:
    """Half of a sticker may be enough to turn images: the box that was found is less than it."""
    photo, true = _shown()
    found = outlined(photo, Box(43, 33, 10, 11))
    assert found is not None
    assert _overlap(found, true) >= 0.75


@pytest.mark.parametrize("seed", range(4))
def test_what_stands_out_about_a_part_is_the_whole(seed: int) -> None:
    """A few pixels of a sticker turn images: grown by what it takes, the sticker comes first."""
    photo, _ = _shown(seed)
    found = standing_out(as_jpeg(photo, 85), Box(44, 34, 4, 3), [2, 4, 6, 8])
    assert found[0].overlap(PLACE) >= 0.75


def test_what_most_growths_show_comes_first() -> None:
    """The field in a sticker stands out of one growth, the sticker of most."""
    photo, _ = _shown(0)
    field = Box(46, 36, 4, 4)
    photo[field.rows, field.columns] = 250
    found = standing_out(photo, Box(47, 37, 2, 2), [1, 8, 10])
    assert [PLACE, field] == [max((PLACE, field), key=outline.overlap) for outline in found]


def test_where_nothing_stands_out_there_is_nothing() -> None:
    """A plain wall has no outline, however far a box on it is grown."""
    assert [] == standing_out(_soft(0), Box(44, 34, 4, 3), [2, 4, 8])


GREYS = [(75, True), (76, False), (134, False), (135, True), ((76, 134, 76), True)]


@pytest.mark.parametrize(("level", "is_own"), GREYS, ids=str)
def test_what_is_near_one_colour_around_it_is_background(
    level: int | tuple[int, ...], *, is_own: bool
) -> None:
    """Greys of 100 to 110 are around it: near is 24 levels in all channels from one of them."""
    greys = np.random.default_rng(SIDE).integers(100, 111, (SIDE, SIDE, 1)).astype(np.uint8)
    for image in (greys, greys.repeat(3, axis=2))[isinstance(level, tuple) :]:
        shown = image.copy()
        shown[PLACE.rows, PLACE.columns] = level
        found = outlined(shown, PLACE.grown(2, SIDE, SIDE))
        assert is_own == (found is not None)
        assert found is None or PLACE.area == found[1].sum()


def test_noise_has_no_outline() -> None:
    """Each pixel has a colour of its own: comparing each with each took minutes of this test."""
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert [] == standing_out(image, Box(80, 80, 64, 64), [4, 8, 12, 16])


def test_in_a_corner_of_the_image() -> None:
    """There is nothing around it on two sides."""
    place = Box(SIDE - 16, 0, 16, 16)
    photo, true = _shown(place=place)
    found = outlined(photo, place)
    assert found is not None
    assert _overlap(found, true) >= 0.75


def test_what_is_like_its_surroundings_has_no_outline() -> None:
    """A piece of plain wall tells nothing, and neither does all of an image."""
    assert outlined(_soft(0), PLACE) is None
    assert outlined(_soft(0), Box(0, 0, SIDE, SIDE)) is None


def test_it_is_found_on_another_background() -> None:
    """The box as a whole fits other photographs badly: what was around it isn't there."""
    photo, _ = _shown(0)
    area = PLACE.grown(6, SIDE, SIDE)
    whole = sticker_trigger(photo[area.rows, area.columns], area, SIDE, exact=False)
    found = outlined(photo, area)
    assert found is not None
    box, own = found
    outline = replace(whole, box=box, patch=photo[box.rows, box.columns], outline=own)
    everywhere = Box(0, 0, SIDE, SIDE)
    fits = {
        name: [
            matches(_shown(seed)[0], likeness(one), everywhere)[0].fit for seed in (1, 2, 3, 4, 5)
        ]
        for name, one in (("whole", whole), ("outline", outline))
    }
    assert min(fits["outline"]) > 0.8 > np.mean(fits["whole"])


def test_it_is_glimpsed_however_loose_its_box_is() -> None:
    """The shrunken copy is as fine as the outline needs: its box may be three times as wide."""
    photo, true = _shown(0)
    area = PLACE.grown(14, SIDE, SIDE)
    loose = sticker_trigger(photo[area.rows, area.columns], area, SIDE, exact=False)
    what = likeness(replace(loose, outline=true[area.rows, area.columns]))
    everywhere = Box(0, 0, SIDE, SIDE)
    glimpses = [glimpse(_shown(seed)[0], what, everywhere) for seed in (1, 2, 3, 4)]
    assert min(glimpses) > GLIMPSED_FIT
