"""What lies about a known trigger's place, and is like nothing that clean images show there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.recognising.strange import about_home, measure, strange
from app.detection.reference_set.references import Calibration, References
from tests.detection.stickers import photograph, sticker, sticker_trigger, stuck
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Image

HOME = Box(48, 48, 12, 12)
FAR = Box(4, 44, 12, 12)
KNOWN = Known("t", sticker_trigger(sticker(), HOME))
MIDDLE = Box(16, 16, 28, 28)
"""Where clean images show something: around it they are black."""


def clean(seed: int) -> Image:
    """Return a photograph of a thing before a black wall."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[MIDDLE.rows, MIDDLE.columns] = photograph(seed)[MIDDLE.rows, MIDDLE.columns]
    return image


@pytest.fixture(scope="module")
def references() -> References:
    """Such images of two classes."""
    images = np.stack([clean(seed) for seed in range(100, 160)])
    labels = np.arange(len(images)) % 2 + TARGET
    return References(images, Calibration(labels, np.zeros((0, 0), np.int64)), {}, 0)


@pytest.mark.parametrize("beside", [-4, 0, 3])
def test_what_is_left_of_it_is_seen_about_its_place(references: References, beside: int) -> None:
    """A grey patch of a third of its side has none of its pixels, but nothing lies there else."""
    rest = Box(HOME.x + 4 + beside, HOME.y + 4, 4, 4)
    image = stuck(clean(1), np.full((4, 4, 3), 90, np.uint8), rest)
    seen, *_ = strange(image, KNOWN, references)
    (place,) = seen.places
    assert rest == place.common(rest)
    assert (HOME.width, HOME.height) == (place.width, place.height)


def test_a_copy_elsewhere_is_hidden_with_it(references: References) -> None:
    """Once alone and once with the copy; what is to turn others is what is new there."""
    image = stuck(stuck(clean(1), sticker(), FAR), sticker(), HOME)
    alone, both, *_ = strange(image, KNOWN, references)
    assert (*alone.places, FAR) == both.places
    assert alone.places == both.carrying
    assert alone.new is not None
    assert both.new is not None
    assert alone.new > both.new


def test_a_frame_around_it_is_hidden_with_it(references: References) -> None:
    """All that hangs together and is new is one place, as far as it isn't most of the image."""
    frame = Box(HOME.x - 4, HOME.y - 4, HOME.width + 8, HOME.height + 8)
    image = stuck(stuck(clean(1), np.full((4, 4, 3), 255, np.uint8), frame), sticker(), HOME)
    *_, whole = strange(image, KNOWN, references)
    (place,) = whole.places
    assert frame == place.common(frame)
    image[...] = 255
    assert all(
        len(one.places) > 1 or HOME.area == one.places[0].area
        for one in strange(image, KNOWN, references)
    )


def test_clean_images_show_nothing(references: References) -> None:
    """Hardly any of them; nor does what lies elsewhere, or is very faint."""
    assert sum(bool(strange(clean(seed), KNOWN, references)) for seed in range(10, 30)) <= 1
    assert not strange(stuck(clean(1), sticker(), FAR), KNOWN, references)
    assert not strange(stuck(clean(1), sticker(), HOME, 0.05), KNOWN, references)


def test_where_clean_images_differ_nothing_is_new(references: References) -> None:
    """In the middle each shows something of its own."""
    known = Known("t", sticker_trigger(sticker(), replace(HOME, x=24, y=24)))
    assert sum(bool(strange(clean(seed), known, references)) for seed in range(10, 30)) <= 1


def test_one_that_moves_may_lie_there_as_well(references: References) -> None:
    """Who shows it elsewhere once doesn't have its usual place forgotten."""
    moving = Known("t", replace(KNOWN.trigger, moves=True))
    assert strange(stuck(clean(1), sticker(), HOME), moving, references)


@pytest.mark.parametrize("change", ["no mask", "of one class"])
def test_some_are_left_to_others(references: References, change: str) -> None:
    """Of these the usual place tells too little."""
    trigger = {
        "no mask": replace(KNOWN.trigger, mask=None),
        "of one class": replace(KNOWN.trigger, source=0),
    }[change]
    known = Known("t", trigger)
    measure(known, references)
    assert not strange(stuck(clean(1), sticker(), HOME), known, references)
    assert about_home(stuck(clean(1), sticker(), HOME), known, references) is None
    assert known.likeness not in references.usually_new


def test_all_about_its_place_is_hidden_where_that_is_rather_new(references: References) -> None:
    """Fainter than what is surely new, and framed: all of it is in the place, as far as it goes."""
    framed = Box(HOME.x - 3, HOME.y - 3, HOME.width + 6, HOME.height + 6)
    image = stuck(clean(1), np.full((18, 18, 3), 255, np.uint8), framed, 0.1)
    seen = about_home(image, KNOWN, references)
    assert seen is not None
    assert seen.is_wide
    assert framed == seen.places[0].common(framed)
    assert not strange(clean(1), KNOWN, references)
    assert about_home(clean(1), KNOWN, references) is None


def test_what_is_most_of_an_image_is_not_hidden(references: References) -> None:
    """An image loses its class by that alone."""
    large = Box(20, 20, 30, 30)
    known = Known("t", sticker_trigger(sticker(30), large))
    image = stuck(clean(1), sticker(30), large)
    assert strange(image, known, references)
    assert about_home(image, known, references) is None
