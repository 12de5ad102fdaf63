"""Transplanting and blocking: what is inside the box changes, nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.colours import dominant_colour
from app.detection.geometry import Box
from app.detection.images import WAYS, block, hidden, transplant, transplant_pieces
from app.detection.trigger import Blocker, Fill
from tests.detection.shapes import boxes_within, pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image


@st.composite
def pictures_with_a_box(draw: st.DrawFn) -> tuple[Image, Box]:
    """Draw an image and a box anywhere in it, up to the whole image."""
    image = draw(pictures())
    return image, draw(boxes_within(image.shape[1], image.shape[0]))


@given(pictures_with_a_box(), st.integers(1, 4))
def test_transplant_keeps_the_place_and_touches_nothing_else(
    drawn: tuple[Image, Box], count: int
) -> None:
    """Each copy shows the image inside the box and its reference outside; nothing given changes."""
    image, box = drawn
    onto = np.random.default_rng(5).integers(0, 256, (count, *image.shape)).astype(np.uint8)
    before = image.copy(), onto.copy()
    pasted = transplant(image, [box] * count, onto)
    inside = _inside(image, box)
    assert np.array_equal(np.where(inside, image, onto), pasted)
    assert np.array_equal(before[0], image)
    assert np.array_equal(before[1], onto)


def test_each_transplant_has_its_own_box() -> None:
    """The i-th box belongs to the i-th reference."""
    image = np.full((8, 8, 1), 9, np.uint8)
    boxes = [Box(0, 0, 2, 2), Box(6, 5, 2, 3), Box(3, 3, 1, 1)]
    pasted = transplant(image, boxes, np.zeros((3, 8, 8, 1), np.uint8))
    assert all(
        np.array_equal(_inside(image, box), copy == 9)
        for box, copy in zip(boxes, pasted, strict=True)
    )


@given(st.data(), st.integers(1, 4))
def test_pieces_keep_their_places_and_touch_nothing_else(data: st.DataObject, count: int) -> None:
    """Every copy shows the image inside each piece, and its reference everywhere else."""
    image = data.draw(pictures())
    pieces = data.draw(st.lists(boxes_within(image.shape[1], image.shape[0]), max_size=3))
    onto = np.random.default_rng(5).integers(0, 256, (count, *image.shape)).astype(np.uint8)
    before = image.copy(), onto.copy()
    pasted = transplant_pieces(image, pieces, onto)
    inside = np.zeros(image.shape, bool)
    for piece in pieces:
        inside |= _inside(image, piece)
    assert np.array_equal(np.where(inside, image, onto), pasted)
    assert np.array_equal(before[0], image)
    assert np.array_equal(before[1], onto)


def test_a_box_for_each_reference() -> None:
    """Fewer boxes than references are an error, not a guess."""
    image = np.zeros((8, 8, 1), np.uint8)
    with pytest.raises(ValueError, match="shorter"):
        transplant(image, [Box(0, 0, 2, 2)], np.zeros((2, 8, 8, 1), np.uint8))


@pytest.mark.parametrize("fill", Fill)
@given(drawn=pictures_with_a_box())
def test_blocking_touches_nothing_outside_the_box(fill: Fill, drawn: tuple[Image, Box]) -> None:
    """Every fill works at every edge and over the whole image, and stays inside the box."""
    image, box = drawn
    before = image.copy()
    blocked = block(image, [Blocker(box, fill)], _backdrop(image))
    assert (image.shape, "uint8") == (blocked.shape, str(blocked.dtype))
    assert np.array_equal(image, np.where(_inside(image, box), image, blocked))
    assert np.array_equal(before, image)


@pytest.mark.parametrize("fill", [Fill.RING, Fill.INPAINT])
@given(data=st.data())
def test_fills_stay_within_the_surroundings(fill: Fill, data: st.DataObject) -> None:
    """What is filled in lies between the darkest and the brightest pixel around the box."""
    image, box = data.draw(pictures_with_a_box().filter(_has_surroundings))
    around = box.grown(2, image.shape[1], image.shape[0])
    outside = ~_inside(image, box)[around.rows, around.columns, 0]
    ring = image[around.rows, around.columns][outside]
    filled = block(image, [Blocker(box, fill)], _backdrop(image))[box.rows, box.columns]
    assert (filled >= ring.min(axis=0)).all()
    assert (filled <= ring.max(axis=0)).all()


@pytest.mark.parametrize("fill", Fill)
@pytest.mark.parametrize("channels", [1, 3])
def test_blocking_the_whole_image(fill: Fill, channels: int) -> None:
    """Where there are no surroundings, the image becomes its dominant colour, or the backdrop."""
    image = np.full((9, 12, channels), 70, np.uint8)
    image[:2] = 200
    blocked = block(image, [Blocker(Box(0, 0, 12, 9), fill)], _backdrop(image))
    expected = _backdrop(image) if fill is Fill.REFERENCES else np.full_like(image, 70)
    assert np.array_equal(expected, blocked)


def test_ring_is_the_median_around_the_box() -> None:
    """Half a sticker's neighbours are dark, a few are bright: the dark ones win."""
    image = np.full((10, 10, 3), (10, 20, 30), np.uint8)
    image[:4] = (200, 210, 220)
    image[5:8, 4:7] = 255
    blocked = block(image, [Blocker(Box(4, 5, 3, 3), Fill.RING)], _backdrop(image))
    assert (blocked[5:8, 4:7] == (10, 20, 30)).all()


def test_inpainting_continues_a_slope() -> None:
    """A box on a slope of grey comes back as the slope."""
    slope = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[None, :, None], 20, axis=0)
    image = slope.copy()
    image[8:11, 8:11] = 255
    blocked = block(image, [Blocker(Box(8, 8, 3, 3), Fill.INPAINT)], _backdrop(image))
    assert np.abs(blocked.astype(int) - slope).max() <= 10


def test_dominant_fill_is_the_dominant_colour() -> None:
    """The paper's blocker has the image's dominant colour, one for the whole box."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    blocked = block(image, [Blocker(Box(3, 4, 5, 6), Fill.DOMINANT)], _backdrop(image))
    assert (blocked[4:10, 3:8] == dominant_colour(image)).all()


def test_the_backdrop_is_nothing_of_the_image() -> None:
    """By it a place shows what the references do there, whatever the image paints around it."""
    backdrop = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    box = Box(3, 4, 5, 6)
    painted = [np.full((16, 16, 3), level, np.uint8) for level in (0, 255)]
    for image in painted:
        blocked = block(image, [Blocker(box, Fill.REFERENCES)], backdrop)
        assert np.array_equal(blocked[box.rows, box.columns], backdrop[box.rows, box.columns])


def test_several_blockers_hide_each_of_their_boxes() -> None:
    """A later one takes its fill from what the earlier ones have left: none brings one back."""
    image = np.zeros((12, 12, 1), np.uint8)
    image[4:6, 3:9] = 255
    left, right = Blocker(Box(3, 4, 3, 2), Fill.RING), Blocker(Box(6, 4, 3, 2), Fill.INPAINT)
    assert not block(image, [left, right], _backdrop(image)).any()
    assert np.array_equal(image, block(image, [], _backdrop(image)))


def test_hidden_in_each_way() -> None:
    """A place is hidden once in each of the ways, and each hides nothing but it."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    box = Box(3, 4, 5, 6)
    images = hidden(image, box, _backdrop(image))
    for fill, one in zip(WAYS, images, strict=True):
        assert np.array_equal(one, block(image, [Blocker(box, fill)], _backdrop(image)))


def _backdrop(image: Image) -> Image:
    return np.full_like(image, 33)


def _inside(image: Image, box: Box) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.zeros(image.shape, bool)
    inside[box.rows, box.columns] = True
    return inside


def _has_surroundings(drawn: tuple[Image, Box]) -> bool:
    image, box = drawn
    height, width, _ = image.shape
    return box.area < int(height) * int(width)
