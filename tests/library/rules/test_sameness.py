"""When two findings are one trigger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.library.rules.sameness import is_dismissed_patch, same_trigger
from tests.detection.blended.worlds import blended_trigger
from tests.detection.stickers import SIDE, as_jpeg, photograph, sticker, sticker_trigger, stuck
from tests.library.findings import trigger

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SQUARE = Box(20, 20, 6, 6)


@pytest.mark.parametrize(
    ("box", "same"),
    [
        (SQUARE, True),
        (Box(22, 22, 6, 6), True),  # the same sticker in the opposite corner
        (Box(10, 10, 40, 40), True),  # around it
        (Box(22, 22, 2, 2), True),  # in it
        (Box(25, 25, 6, 6), False),  # a corner in common
        (Box(26, 20, 6, 6), False),  # side by side
    ],
)
def test_goes_by_the_place(box: Box, same: bool) -> None:  # noqa: FBT001
    """Two findings are one trigger if one box is about the other, or most of it lies within."""
    one, other = replace(trigger(), box=SQUARE), replace(trigger(), box=box)
    assert same == same_trigger(one, other) == same_trigger(other, one)


@pytest.mark.parametrize("change", [{"target": 4}, {"image_width": 48}, {"image_height": 48}])
@pytest.mark.parametrize("source", [None, 1])
def test_differs_with_what_it_does(change: dict[str, int], source: int | None) -> None:
    """Another target of all classes, or images of another size, make another trigger."""
    one = trigger(source=source)
    other = replace(trigger(), **change)  # type: ignore[arg-type]
    assert not same_trigger(one, other)
    assert not same_trigger(other, one)


def test_leads_each_class_to_one_of_its_own() -> None:
    """Found from images of two classes, an all-to-all trigger has two targets and is one."""
    one, other = trigger(4, source=3), trigger(5, source=4)
    assert same_trigger(one, other)
    assert same_trigger(other, one)
    elsewhere = replace(other, box=Box(60, 60, 4, 4))
    assert not same_trigger(one, elsewhere)


def test_of_one_class_and_of_all() -> None:
    """With one target it is one trigger, whether it was found on one class or on all."""
    one, other = trigger(), trigger(source=1)
    assert same_trigger(one, other)
    assert same_trigger(other, one)


def _found(seed: int, what: Image, box: Box, margin: int = 0) -> Trigger:
    """Return the trigger as a search finds it in the JPEG of a photograph with *what* in *box*."""
    image = as_jpeg(stuck(photograph(seed), what, box), 85)
    area = box.grown(margin, SIDE, SIDE)
    return sticker_trigger(image[area.rows, area.columns], area, exact=False)


@pytest.mark.parametrize("margin", [0, 2])
@pytest.mark.parametrize(
    "box", [Box(45, 40, 18, 18), Box(5, 42, 17, 19), Box(44, 2, 20, 18)], ids=str
)
def test_goes_by_the_pixels_too(box: Box, margin: int) -> None:
    """One sticker that is found at two places, with some background each, is one trigger."""
    what = sticker(side=18)
    one, other = _found(1, what, Box(4, 6, 18, 18)), _found(2, what, box, margin)
    assert same_trigger(one, other)
    assert same_trigger(other, one)


def test_different_stickers_at_different_places() -> None:
    """Two stickers of one target are two triggers, and so are two parts of clean images."""
    one = _found(1, sticker(0, 18), Box(4, 6, 18, 18))
    for seed in range(1, 5):
        other = _found(2, sticker(seed, 18), Box(40, 40, 18, 18))
        assert not same_trigger(one, other)
        clean = photograph(seed)[40:58, 40:58]
        assert not same_trigger(one, sticker_trigger(clean, Box(40, 40, 18, 18), exact=False))


def test_one_sticker_of_two_targets() -> None:
    """The same pixels with another effect are another trigger."""
    one = _found(1, sticker(side=18), Box(4, 6, 18, 18))
    other = replace(_found(2, sticker(side=18), Box(40, 40, 18, 18)), target=one.target + 1)
    assert not same_trigger(one, other)


def test_plain_patches_go_by_the_place_alone() -> None:
    """Pixels of one colour are found in many others: at two places they are two triggers."""
    plain = np.full((12, 12, 3), 250, np.uint8)
    one = sticker_trigger(plain, Box(4, 6, 12, 12))
    assert same_trigger(one, sticker_trigger(plain, Box(6, 8, 12, 12)))
    assert not same_trigger(one, sticker_trigger(plain, Box(40, 40, 12, 12)))


def test_pieces_go_by_the_place_alone() -> None:
    """Between the pieces of a trigger lies what isn't its own: that is never compared."""
    box, elsewhere = Box(4, 6, 12, 12), Box(40, 40, 12, 12)
    one = replace(sticker_trigger(sticker(), box), pieces=(Box(4, 6, 4, 4), Box(12, 14, 4, 4)))
    other = replace(
        sticker_trigger(sticker(), elsewhere), pieces=(Box(40, 40, 4, 4), Box(48, 48, 4, 4))
    )
    assert not same_trigger(one, other)
    assert not same_trigger(one, sticker_trigger(sticker(), elsewhere))


def test_grey_and_colour_are_not_compared() -> None:
    """Patches of one channel and of three are two triggers, and no error."""
    grey = sticker()[..., :1]
    one, other = sticker_trigger(sticker(), Box(4, 6, 12, 12)), sticker_trigger(grey, SQUARE)
    assert not same_trigger(one, replace(other, box=Box(40, 40, 12, 12)))


SHOWN = Box(20, 20, 6, 6)
PATCH = np.random.default_rng(4).integers(0, 256, (6, 6, 3)).astype(np.uint8)


DISMISSED = replace(trigger(), box=SHOWN, patch=PATCH)


def _changed(**change: object) -> Trigger:
    return replace(DISMISSED, **change)  # type: ignore[arg-type]


def _edged(margin: int) -> Trigger:
    """Return what shows the dismissed patch in a box with so much of something else around it."""
    patch = np.pad(PATCH, ((margin, margin), (margin, margin), (0, 0)))
    return replace(DISMISSED, box=SHOWN.grown(margin, 224, 224), patch=patch)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (DISMISSED, True),
        (_edged(1), True),  # its box is larger by an edge
        (_edged(2), False),  # most of what it shows is something else
        (_changed(patch=PATCH ^ 32, box=Box(21, 20, 6, 6)), True),  # and a pixel off
        (_changed(patch=PATCH // 4 * 3 + 30), True),  # fainter there
        (_changed(patch=PATCH ^ 64), True),  # at its place, as far off as another file may be
        (_changed(patch=PATCH ^ 80), False),  # farther than that
        (_changed(patch=PATCH ^ 128), False),  # over it
        (_changed(patch=np.where(np.arange(6) % 2, PATCH.T, ~PATCH.T).T), False),  # half of it
        (_changed(box=Box(21, 20, 6, 6)), True),  # as a file that was saved anew has it
        (_changed(box=Box(36, 20, 6, 6)), True),  # where a known one is looked for
        (_changed(box=Box(40, 20, 6, 6)), False),  # farther off than that
        (_changed(box=Box(28, 20, 6, 6), patch=PATCH[::-1, ::-1]), False),  # others beside it
        (_changed(target=4), False),
        (_changed(source=1), False),
        (_changed(image_width=48), False),
    ],
)
def test_is_the_dismissed_patch_by_its_pixels(found: Trigger, *, expected: bool) -> None:
    """Place, class and pixels decide: what lies beside it or over it is another trigger."""
    assert expected is is_dismissed_patch(DISMISSED, found)


def test_of_one_colour_a_dismissed_one_is_no_other_colour() -> None:
    """It has no pattern that could tell them apart, so that its levels must be just about those."""
    yellow, dull, orange = (
        _changed(patch=np.broadcast_to(np.array(levels, np.uint8), (6, 6, 3)))
        for levels in ((255, 255, 0), (225, 225, 30), (255, 165, 0))
    )
    assert is_dismissed_patch(yellow, dull)
    assert not is_dismissed_patch(yellow, orange)


def test_few_pixels_in_common_say_nothing() -> None:
    """Two patches in one box, each with its half of it: where they meet they may be the same."""
    half = np.arange(36).reshape(6, 6) < 18
    rest = ~half
    rest[0, 0] = True
    other = np.where(rest[..., None], PATCH ^ 32, ~PATCH)
    assert not is_dismissed_patch(_changed(mask=half), _changed(mask=rest, patch=other))


def test_a_dismissed_one_that_moves_is_it_anywhere() -> None:
    """It was seen at another place before it was dismissed."""
    far = _changed(box=Box(150, 90, 6, 6))
    assert not is_dismissed_patch(DISMISSED, far)
    assert is_dismissed_patch(replace(DISMISSED, moves=True), far)


def test_a_dismissed_one_of_some_classes_says_nothing_of_others() -> None:
    """Of an all-to-all trigger that was dismissed for one class the others stay triggers."""
    one = _changed(target=4, source=3)
    assert is_dismissed_patch(one, replace(one, source=0))
    assert not is_dismissed_patch(one, _changed(target=5, source=4))
    assert not is_dismissed_patch(one, _changed(target=4))


def test_only_the_own_pixels_of_what_was_found_count() -> None:
    """Of two pieces those pixels decide that are in them, not what lies between."""
    mask = np.zeros((6, 6), bool)
    mask[:2, :2] = mask[4:, 4:] = True
    pieces = (Box(20, 20, 2, 2), Box(24, 24, 2, 2))
    between = np.where(mask[..., None], PATCH, PATCH ^ 128)
    elsewhere = np.where(mask[..., None], PATCH ^ 128, PATCH)
    assert is_dismissed_patch(DISMISSED, _changed(patch=between, mask=mask, pieces=pieces))
    assert not is_dismissed_patch(DISMISSED, _changed(patch=elsewhere, mask=mask, pieces=pieces))


def test_what_is_blended_is_no_patch_of_its_class() -> None:
    """It lies everywhere, and so at no place; of one class it is one trigger."""
    blended = blended_trigger()
    patch = replace(blended, alpha=None)
    assert not same_trigger(blended, patch)
    assert not is_dismissed_patch(patch, blended)
    assert same_trigger(blended, replace(blended, alpha=0.3))
    assert is_dismissed_patch(blended, replace(blended, alpha=0.3))
    assert not same_trigger(blended, replace(blended, target=blended.target + 1))
    box = Box(0, 0, blended.image_width - 1, blended.image_height - 1)
    placed = replace(blended, box=box, patch=blended.patch[:-1, :-1])
    assert not same_trigger(blended, placed)
    assert not is_dismissed_patch(placed, blended)
    assert same_trigger(placed, replace(placed, alpha=0.3))
