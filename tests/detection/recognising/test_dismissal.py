"""What was dismissed is told by its pixels, at its place; whatever else is there is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.geometry import Box
from app.detection.origins import beside
from app.detection.recognising.dismissal import LOOKED_FOR, dismissed_in, left_of
from app.detection.search import run
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import World, scene, watched
from tests.detection.stickers import as_jpeg, photograph, sticker, sticker_trigger, stuck
from tests.tiny import TARGET, Backdoor, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.detection.trigger import Trigger

SIDE = 32
REAL = Backdoor(Box(20, 11, 3, 3), TARGET)
FALSE = Backdoor(Box(9, 11, 3, 3), TARGET)
"""It makes the label as well, so that it would be found: what its owner has dismissed."""

WORLD = World((SIDE, SIDE), backdoors=(REAL, FALSE))
NOISE = np.random.default_rng(3).integers(0, 2, (9, 9, 3)).astype(np.uint8) * 255


def _trigger(box: Box, patch: Image | int = 255) -> Trigger:
    return replace(
        tiny_trigger(),
        box=box,
        patch=np.full((box.height, box.width, 3), patch, np.uint8),
        blocker=Blocker(box.grown(1, SIDE, SIDE), Fill.INPAINT),
        image_height=SIDE,
        image_width=SIDE,
    )


DISMISSED = Known("t-d", _trigger(FALSE.box))
DEFENCE = scene(WORLD).defence(dismissed=[DISMISSED])


def test_alone_it_is_quiet() -> None:
    """An image with nothing but the dismissed patch keeps its answer, for two probes more."""
    its = scene(WORLD)
    for clean in its.others(TARGET)[:4]:
        image = stamped(clean[None], FALSE.box)[0]
        assert Verdict.DISCOVERED is its.screened(image).verdict
        finding, probes = watched(its.search(image, DEFENCE), its.predict)
        assert (Verdict.CLEAR, finding.said) == (finding.verdict, finding.sanitised)
        assert [1, 2] == [len(probe) for probe in probes]


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("box", [Box(12, 11, 3, 3), Box(17, 3, 3, 3), Box(9, 13, 3, 3)], ids=str)
def test_a_real_trigger_8_px_beside_it_is_found(box: Box, *, shown: bool) -> None:
    """Whether the dismissed patch is there or not, in the same window or not; the image is freed.

    Where it is there the answer is what the image is without the trigger: its label still.
    """
    its = scene(replace(WORLD, backdoors=(REAL, replace(FALSE, box=box))))
    defence = its.defence(dismissed=[Known("t-d", _trigger(box))])
    for clean in its.others(TARGET)[:3]:
        image = stamped(clean[None], REAL.box)
        image = stamped(image, box)[0] if shown else image[0]
        finding = its.screened(image, defence)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.trigger is not None
        assert finding.trigger.box.overlap(REAL.box) >= 0.5
        assert finding.sanitised is not None
        assert [its.label(clean)] == finding.sanitised.labels.tolist()


def test_a_real_trigger_in_its_middle_is_found() -> None:
    """Most of a dismissed patch is there, but the label is made by what lies over it."""
    its = scene(replace(WORLD, backdoors=(REAL,)))
    box = REAL.box.grown(3, SIDE, SIDE)
    old = _trigger(box, NOISE)
    for clean in its.others(TARGET)[:3]:
        image = clean.copy()
        image[box.rows, box.columns] = NOISE
        assert TARGET != its.label(image)
        image = stamped(image[None], REAL.box)[0]
        defence = its.defence(dismissed=[Known("t-d", old)])
        assert [old] == dismissed_in(image, defence)
        finding = its.screened(image, defence)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.trigger is not None
        assert finding.trigger.box.overlap(REAL.box) >= 0.5


def test_dismissed_in_goes_by_place_and_pixels() -> None:
    """Its pixels at its place: neither elsewhere nor others, nor in images of another size."""
    its = scene(WORLD)
    clean = its.others(TARGET)[:1]
    there, elsewhere = (stamped(clean, box)[0] for box in (FALSE.box, REAL.box))
    assert [DISMISSED.trigger] == dismissed_in(there, DEFENCE)
    assert [] == dismissed_in(elsewhere, DEFENCE) == dismissed_in(clean[0], DEFENCE)
    assert [] == dismissed_in(there[:-1], DEFENCE)


CHEQUERED = np.where(np.indices((4, 4)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
FRAME = np.pad(np.zeros((2, 2), np.uint8), 1, constant_values=255)


@pytest.mark.parametrize(("shown", "is_it"), [(CHEQUERED, True), (FRAME, False)])
def test_another_patch_at_its_place_is_none(shown: Image, *, is_it: bool) -> None:
    """Of two that are black and white half of the pixels are the same by chance."""
    assert 0.5 == (CHEQUERED == FRAME).mean()
    box = Box(9, 11, 4, 4)
    old = _trigger(box, np.repeat(CHEQUERED[..., None], 3, axis=2))
    image = scene(WORLD).others(TARGET)[0].copy()
    image[box.rows, box.columns] = shown[..., None]
    defence = scene(WORLD).defence(dismissed=[Known("t-d", old)])
    assert ([old] if is_it else []) == dismissed_in(image, defence)


STUCK = Box(20, 30, 12, 12)
STICKER = Known("t-s", sticker_trigger(sticker(), STUCK))


@pytest.mark.parametrize(
    "box", [STUCK, Box(22, 29, 12, 12), Box(17, 33, 12, 12), Box(21, 30, 11, 13)], ids=str
)
def test_it_is_looked_for_as_a_known_trigger_is(box: Box) -> None:
    """Saved as a JPEG, some pixels off, stretched: it is where it lies, and hidden there."""
    defence = replace(DEFENCE, dismissed=(STICKER,))
    (shown,) = dismissed_in(as_jpeg(stuck(photograph(1), sticker(), box), 75), defence)
    assert shown.box.overlap(box) >= 0.6
    assert shown.box.overlap(shown.blocker.box) >= 0.5
    assert shown.patch.shape[:2] == (shown.box.height, shown.box.width)
    assert [] == dismissed_in(photograph(1), defence)


@pytest.mark.parametrize("home", [STUCK, Box(0, 0, 12, 12), Box(52, 52, 12, 12)], ids=str)
def test_elsewhere_it_is_hidden_as_widely_as_at_its_place(home: Box) -> None:
    """Also where an edge of the image cuts off what hides it at its own."""
    trigger = sticker_trigger(sticker(), home)
    blocker = Blocker(home.grown(2, trigger.image_width, trigger.image_height), Fill.RING)
    moving = Known("t-m", replace(trigger, blocker=blocker, moves=True))
    image = stuck(photograph(1), sticker(), Box(30, 24, 12, 12))
    (shown,) = dismissed_in(image, replace(DEFENCE, dismissed=(moving,)))
    assert shown.box.grown(2, trigger.image_width, trigger.image_height) == shown.blocker.box


def test_far_from_its_place_it_is_another_one_unless_it_moves() -> None:
    """What was seen at several places before it was dismissed lies anywhere."""
    image = stuck(photograph(1), sticker(), Box(48, 4, 12, 12))
    moving = replace(STICKER, trigger=replace(STICKER.trigger, moves=True))
    assert [] == dismissed_in(image, replace(DEFENCE, dismissed=(STICKER,)))
    assert 1 == len(dismissed_in(image, replace(DEFENCE, dismissed=(moving,))))


YELLOW, PALE, ORANGE = (
    np.broadcast_to(np.array(levels, np.uint8), (12, 12, 3))
    for levels in ((255, 255, 0), (255, 255, 130), (255, 165, 0))
)


@pytest.mark.parametrize(
    ("shown", "alpha", "count"), [(YELLOW, 0.9, 1), (PALE, 1.0, 0), (ORANGE, 1.0, 0)]
)
def test_of_one_colour_it_is_that_colour_or_nearly(shown: Image, alpha: float, count: int) -> None:
    """It has no pattern, and any colour fits that differs from what is around as it does."""
    plain = Known("t-y", sticker_trigger(YELLOW, STUCK))
    defence = replace(DEFENCE, dismissed=(plain,))
    for seed in range(1, 4):
        image = stuck(photograph(seed), shown, Box(22, 29, 12, 12), alpha)
        assert count == len(dismissed_in(image, defence))


def test_of_several_pieces_it_is_looked_for_just_at_its_place() -> None:
    """What lies between them isn't its own: elsewhere that would be hidden, too."""
    pieces = (Box(20, 30, 12, 3), Box(20, 39, 12, 3))
    old = Known("t-p", replace(STICKER.trigger, pieces=pieces))
    defence = replace(DEFENCE, dismissed=(old,))
    assert [old.trigger] == dismissed_in(stuck(photograph(1), sticker(), STUCK), defence)
    moved = stuck(photograph(1), sticker(), Box(23, 33, 12, 12))
    assert [] == dismissed_in(moved, defence)
    assert 1 == len(dismissed_in(moved, replace(DEFENCE, dismissed=(STICKER,))))


def test_of_many_the_first_are_looked_for_about_their_places() -> None:
    """Each takes CPU time for every image; just at their places all are seen."""
    moved = stuck(photograph(1), sticker(), Box(23, 33, 12, 12))
    others = [Known(f"t-{i}", sticker_trigger(sticker(5), STUCK)) for i in range(LOOKED_FOR)]
    eighth = replace(DEFENCE, dismissed=(*others[1:], STICKER))
    ninth = replace(DEFENCE, dismissed=(*others, STICKER))
    assert (1, 0) == tuple(len(dismissed_in(moved, some)) for some in (eighth, ninth))
    there = stuck(photograph(1), sticker(), STUCK)
    assert [STICKER.trigger] == dismissed_in(there, ninth)


def test_another_sticker_at_its_place_is_none() -> None:
    """It is as large and as gaudy, and its pattern is another."""
    image = stuck(photograph(1), sticker(5), STUCK)
    assert [] == dismissed_in(image, replace(DEFENCE, dismissed=(STICKER,)))


def test_of_another_class_it_takes_nothing_out() -> None:
    """What was dismissed for one class says nothing where the model says another; no probe."""
    its = scene(WORLD)
    image = stamped(its.others(TARGET)[:1], FALSE.box)[0]
    left, probes = watched(left_of(image, 1, [DISMISSED.trigger], DEFENCE), its.predict)
    assert left is not None
    assert (0, ()) == (len(probes), left.taken_out)
    assert left.image is image


def test_it_is_taken_out_where_something_else_makes_the_label() -> None:
    """What is left is the image without it, and what is over it is nobody's own."""
    its = scene(WORLD)
    image = stamped(stamped(its.others(TARGET)[:1], FALSE.box), REAL.box)[0]
    trigger = DISMISSED.trigger
    left, (asked,) = watched(left_of(image, TARGET, [trigger], DEFENCE), its.predict)
    over = trigger.blocker.box
    assert left is not None
    assert (over,) == left.taken_out
    assert (left.image[over.rows, over.columns] < 250).all()
    outside = np.ones((SIDE, SIDE), bool)
    outside[over.rows, over.columns] = False
    assert np.array_equal(image[outside], left.image[outside])
    assert [beside([over]), beside([over, trigger.box])] == list(asked.origins)


def test_it_is_put_back_as_it_is_stored() -> None:
    """Nothing hides among its pixels: alone it is asked as stored, not as the image shows it."""
    its = scene(replace(WORLD, backdoors=(REAL,)))
    box = REAL.box.grown(3, SIDE, SIDE)
    image = its.others(TARGET)[0].copy()
    image[box.rows, box.columns] = NOISE
    image = stamped(image[None], REAL.box)[0]
    old = _trigger(box, NOISE)
    left, (asked,) = watched(left_of(image, TARGET, [old], its.defence()), its.predict)
    assert np.array_equal(NOISE, asked.images[1][box.rows, box.columns])
    assert left is not None
    assert left.image is image


def test_of_several_all_are_taken_out() -> None:
    """Two dismissed patches that both make the label leave nothing to search for."""
    its = scene(WORLD)
    image = stamped(stamped(its.others(TARGET)[:1], FALSE.box), REAL.box)[0]
    both = [_trigger(FALSE.box), _trigger(REAL.box)]
    assert run(left_of(image, TARGET, both, DEFENCE), its.predict) is None
