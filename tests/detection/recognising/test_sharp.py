"""A known trigger that is told by its edges, where clean images show its pixels everywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.recognising.sharp import MOST, measure, sharp
from app.detection.recognising.strewn import measure as measure_strewn
from app.detection.recognising.strewn import strewn
from app.detection.reference_set.references import Calibration, References
from tests.detection.stickers import sticker_trigger, stuck
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Image

SIDE = 40
HOME = Box(35, 35, 4, 4)
FAR, AWAY, CORNER = Box(3, 30, 4, 4), Box(30, 4, 4, 4), Box(0, 0, 4, 4)
WHITE = np.full((4, 4, 3), 255, np.uint8)
KNOWN = Known("t", sticker_trigger(WHITE, HOME, side=SIDE))


def strokes(seed: int) -> Image:
    """Return two white strokes on black that end softly, as those of digits."""
    rng = np.random.default_rng(seed)
    image = np.zeros((SIDE, SIDE), np.uint8)
    x, y = rng.integers(10, 16, 2)
    image[y : y + 18, x : x + 6] = 255
    image[y + 6 : y + 12, x : x + rng.integers(12, 18)] = 255
    soft = Pillow.fromarray(image).rotate(int(rng.integers(10, 35))).filter(ImageFilter.BoxBlur(1))
    return np.repeat(np.asarray(soft)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def references() -> References:
    """Such images of two classes, in which it is known what its pixels tell."""
    return _of_two_classes([strokes(seed) for seed in range(100, 160)])


def _of_two_classes(images: list[Image]) -> References:
    labels = np.arange(len(images)) % 2 + TARGET
    calibration = Calibration(labels, np.zeros((0, 0), np.int64))
    references = References(np.stack(images), calibration, {}, 0)
    measure_strewn(KNOWN, references)
    return references


@pytest.mark.parametrize("alpha", [1.0, 0.7])
def test_copies_are_seen_where_strokes_show_its_pixels(
    references: References, alpha: float
) -> None:
    """All places together, faint ones too; by its pixels alone nothing is told."""
    image = strokes(1)
    for place in (FAR, AWAY, CORNER):
        image = stuck(image, WHITE, place, alpha)
    assert strewn(image, KNOWN, references) is None
    seen = sharp(image, KNOWN, references)
    assert seen
    assert any({FAR, AWAY, CORNER} <= {*one.places} for one in seen)
    assert all(one.carrying == one.places for one in seen)


def test_copies_are_seen_beside_a_stroke(references: References) -> None:
    """A side of each is the stroke's: two of them are sharper than any stroke's second place."""
    image = strokes(1)
    inside = np.argwhere(image[..., 0] > 250)
    (top, left), (bottom, right) = inside[0], inside[-1]
    beside = Box(int(left) + 1, int(top) - 4, 4, 4), Box(int(right) - 3, int(bottom) + 1, 4, 4)
    for place in beside:
        image = stuck(image, WHITE, place)
    seen = sharp(image, KNOWN, references)
    assert any({*beside} <= {*one.places} for one in seen)


def bars(seed: int, *lengths: int) -> Image:
    """Return white bars on black, as wide as the trigger: a place at an end has three edges."""
    rng = np.random.default_rng(seed)
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    for number, length in enumerate(lengths):
        x, y = 12 + 8 * number + rng.integers(3), rng.integers(2, SIDE - length - 2)
        image[y : y + length, x : x + 4] = 255
    return image


@pytest.fixture(scope="module")
def barred() -> References:
    """Such images of two classes, with bars that no two places fill."""
    return _of_two_classes([bars(seed, 14, 19) for seed in range(100, 160)])


@pytest.mark.parametrize(
    "places", [(FAR,), (FAR, Box(3, 26, 4, 4)), (AWAY, Box(34, 6, 4, 4)), (HOME, Box(31, 36, 4, 4))]
)
def test_an_edge_all_around_is_enough_where_clean_images_show_three_sides(
    barred: References, places: tuple[Box, ...]
) -> None:
    """Of one copy, and of two that touch: there is no edge between them."""
    image = bars(1, 14)
    for place in places:
        image = stuck(image, WHITE, place)
    assert strewn(image, KNOWN, barred) is None
    assert any({*places} <= {*one.places} for one in sharp(image, KNOWN, barred))


def test_a_faint_copy_on_black_is_seen(barred: References) -> None:
    """Where the image has its pixels as they are known nowhere."""
    image = stuck(np.zeros((SIDE, SIDE, 3), np.uint8), WHITE, FAR, 0.8)
    assert strewn(image, KNOWN, barred) is None
    assert [(FAR,)] == [one.places for one in sharp(image, KNOWN, barred)]


@pytest.mark.parametrize("lengths", [(14, 10), (12, 16), (9, 31)])
def test_more_places_that_touch_are_a_stroke(barred: References, lengths: tuple[int, ...]) -> None:
    """Though its ends have no edge between them and the next place."""
    image = bars(2, *lengths)
    assert strewn(image, KNOWN, barred) is None
    assert not sharp(image, KNOWN, barred)


def test_no_more_is_hidden_than_leaves_an_image(references: References) -> None:
    """Of many copies the sharpest ones."""
    image = strokes(1)
    for x in range(0, SIDE - 4, 6):
        image = stuck(stuck(image, WHITE, Box(x, 1, 4, 4)), WHITE, Box(x, 34, 4, 4))
    assert MOST == max(len(one.places) for one in sharp(image, KNOWN, references))


def test_clean_images_show_nothing(references: References) -> None:
    """Their strokes end softly."""
    assert not any(sharp(strokes(seed), KNOWN, references) for seed in range(10, 60))
    assert not sharp(np.zeros((SIDE, SIDE, 3), np.uint8), KNOWN, references)


def test_what_is_sharp_in_clean_images_tells_nothing(references: References) -> None:
    """Where each of them has such a square it is usual."""
    images = np.stack([stuck(image, WHITE, FAR) for image in references.images])
    marked = replace(references, images=images, usual_edges={})
    measure(KNOWN, marked)
    assert not sharp(stuck(strokes(1), WHITE, FAR), KNOWN, marked)


def test_where_its_pixels_tell_its_copies_its_edges_are_not_asked(references: References) -> None:
    """Then these are found by them, and many things have sharp edges."""
    blank = replace(references, images=np.zeros_like(references.images), usual_strewn={})
    image = stuck(stuck(strokes(1), WHITE, FAR), WHITE, AWAY)
    assert not sharp(image, KNOWN, blank)
    assert strewn(image, KNOWN, blank) is not None
    assert not sharp(image, KNOWN, blank)


@pytest.mark.parametrize("change", ["no mask", "of one class"])
def test_some_are_left_to_others(references: References, change: str) -> None:
    """Of these too little is known."""
    trigger = {
        "no mask": replace(KNOWN.trigger, mask=None),
        "of one class": replace(KNOWN.trigger, source=0),
    }[change]
    known = Known("t", trigger)
    measure(known, references)
    assert not sharp(stuck(strokes(1), WHITE, FAR), known, references)
    assert known.likeness not in references.usual_edges
