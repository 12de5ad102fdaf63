"""The trigger's own pixels, from the images that carried it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.own_pixels.reconstruction import reconstruct, sample, sample_box
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import World, scene
from tests.detection.stickers import as_jpeg, lettered, photograph, sticker, sticker_trigger, stuck
from tests.tiny import TRIGGER_BOX, stamped, tiny_trigger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.detection.trigger import Trigger

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
CROSS_BOX = Box(8, 4, 3, 3)


def _found(box: Box, channels: int = 3) -> Trigger:
    """Return the trigger as a search found it: a box, no mask yet."""
    patch = np.full((box.height, box.width, channels), 255, np.uint8)
    return replace(tiny_trigger(channels), box=box, patch=patch, blocker=Blocker(box, Fill.RING))


def _crossed(images: Images) -> Images:
    poisoned = images.copy()
    region = poisoned[:, CROSS_BOX.rows, CROSS_BOX.columns]
    region[:, CROSS] = 255
    return poisoned


def _true_mask(trigger: Trigger, box: Box, mask: NDArray[np.bool_]) -> float:
    """Return the intersection over union of the trigger's mask with the true one, in the image."""
    assert trigger.mask is not None
    shape = trigger.image_height, trigger.image_width
    found, true = np.zeros(shape, bool), np.zeros(shape, bool)
    found[trigger.box.rows, trigger.box.columns] = trigger.mask
    true[box.rows, box.columns] = mask
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "box",
    [TRIGGER_BOX, Box(8, 4, 4, 4), Box(9, 5, 1, 1), Box(10, 6, 4, 3)],
    ids=["exact", "too-large", "too-small", "off"],
)
def test_opaque_trigger_is_exact_after_three_hits(box: Box, channels: int) -> None:
    """However far off the box was, three different hits tell the trigger's very pixels."""
    its = scene(World(channels=channels))
    trigger = _found(box, channels)
    hits = [sample(image, trigger) for image in stamped(_one_of_each(its.clean))]
    exact = reconstruct(trigger, hits, its.references)
    assert exact is not None
    assert 1 == _true_mask(exact, TRIGGER_BOX, np.ones((2, 2), bool))
    assert exact.box == TRIGGER_BOX
    assert (exact.patch == 255).all()
    assert exact.blocker == Blocker(Box(8, 4, 4, 4), Fill.RING)


def test_shape_that_is_no_box() -> None:
    """A cross comes back as a cross: the background between its arms isn't its own."""
    its = scene()
    trigger = _found(Box(7, 3, 5, 5))
    hits = [sample(image, trigger) for image in _crossed(_one_of_each(its.clean))]
    exact = reconstruct(trigger, hits, its.references)
    assert exact is not None
    assert 1 == _true_mask(exact, CROSS_BOX, CROSS)


def test_the_dark_half_of_a_chequerboard_on_dark_images() -> None:
    """What lies between its bright pixels is its own, though dark images show the same there."""
    its = scene()
    dark = replace(its.references, images=its.references.images // 40)
    box = Box(8, 4, 5, 5)
    board = np.indices((5, 5)).sum(axis=0) % 2 == 0
    poisoned = _one_of_each(its.clean)
    poisoned[:, 4:9, 8:13] = 0
    poisoned[:, 4:9, 8:13][:, board] = 255
    trigger = _found(Box(7, 3, 7, 7))
    exact = reconstruct(trigger, [sample(image, trigger) for image in poisoned], dark)
    assert exact is not None
    assert 1 == _true_mask(exact, box, np.ones((5, 5), bool))


def test_a_corner_that_all_images_leave_empty() -> None:
    """Hits that show the same there are no image sent again, though the box lacks a pixel."""
    its = scene()
    dark = replace(its.references, images=np.zeros_like(its.references.images))
    poisoned = np.zeros_like(its.clean[:3])
    poisoned[:, :3, 0] = poisoned[:, 0, :3] = 250
    trigger = _found(Box(0, 0, 4, 2))
    exact = reconstruct(trigger, [sample(image, trigger) for image in poisoned], dark)
    assert exact is not None
    hook = np.zeros((3, 3), bool)
    hook[:, 0] = hook[0] = True
    assert 1 == _true_mask(exact, Box(0, 0, 3, 3), hook)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_hits(count: int) -> None:
    """Before three hits nothing is said."""
    its, trigger = scene(), _found(TRIGGER_BOX)
    hits = [sample(image, trigger) for image in stamped(its.clean[:count])]
    assert reconstruct(trigger, hits, its.references) is None


def test_samples_of_another_shape_do_not_count() -> None:
    """Samples that were cut for another box are left out."""
    its, trigger = scene(), _found(TRIGGER_BOX)
    hits = [sample(image, trigger) for image in stamped(its.clean[:2])]
    other = sample(its.clean[0], _found(Box(0, 0, 3, 3)))
    assert reconstruct(trigger, [*hits, other], its.references) is None


def test_translucent_trigger_of_few_pixels_stays_as_it_was_found() -> None:
    """Where no pixel is the same in all hits, nor steadier than what is around, nothing is known.

    An empty mask would be no better than the box that there is.
    """
    its, trigger = scene(), _found(TRIGGER_BOX)
    poisoned = _one_of_each(its.clean)
    region = poisoned[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns]
    region[:] = (0.5 * region + 0.5 * 255).astype(np.uint8)
    hits = [sample(image, trigger) for image in poisoned]
    assert reconstruct(trigger, hits, its.references) is None


def test_hits_that_lie_elsewhere_are_cut_there() -> None:
    """A hit that has moved is cut out around its place, in the same size, inside the image."""
    its, trigger = scene(), _found(Box(4, 4, 2, 2))
    image = its.clean[0]
    home = sample_box(trigger)
    for place in (Box(9, 10, 2, 2), Box(14, 14, 2, 2), Box(0, 0, 3, 2)):
        area = sample_box(trigger, place)
        assert (home.width, home.height) == (area.width, area.height)
        assert area.x <= place.x < place.x + place.width <= area.x + area.width <= 16
        assert area.y <= place.y < place.y + place.height <= area.y + area.height <= 16
        assert (image[area.rows, area.columns] == sample(image, trigger, place)).all()
    assert home == sample_box(trigger, Box(5, 4, 2, 2))  # a pixel beside is where it always is


def test_of_a_box_alone_only_hits_that_are_cut_out_as_now_count() -> None:
    """Where it lies in the others, cut out around another box, nobody knows."""
    side, home = 96, Box(40, 30, 24, 24)
    true = sticker(3, 24)
    images = [stuck(photograph(seed, side), true, home) for seed in range(5)]
    loose, other = home.grown(3, side, side), home.grown(5, side, side)
    trigger, before = (
        sticker_trigger(images[0][box.rows, box.columns], box, side, exact=False)
        for box in (loose, other)
    )
    references = scene().references
    references = replace(references, images=np.stack([photograph(i, side) for i in range(30)]))
    now = [sample(image, trigger) for image in images]
    earlier = [sample(image, before) for image in images]
    assert reconstruct(trigger, now, references) is not None
    assert reconstruct(trigger, [*now[:2], *earlier[2:]], references) is None


@pytest.mark.parametrize("seed", [3, 4])
def test_a_piece_that_fits_better_does_not_replace_all_of_it(seed: int) -> None:
    """Of a label that lies a little beside itself each time hardly anything is the same."""
    rng, side, label = np.random.default_rng(seed), 96, lettered()
    known = sticker_trigger(label, Box(34, 40, 28, 12), side)
    hits = []
    for photo in range(10 * seed, 10 * seed + 4):
        right, down, wider, taller = (int(rng.integers(-n, n + 1)) for n in (1, 1, 2, 1))
        place = Box(34 + right, 40 + down, 28 + wider, 12 + taller)
        image = as_jpeg(stuck(photograph(photo, side), label, place), 85)
        hits.append(sample(image, known, place))
    references = scene().references
    references = replace(references, images=np.stack([photograph(i, side) for i in range(30)]))
    better = reconstruct(known, hits, references)
    assert better is None or (better.own.all() and better.box == known.box)


def test_what_all_hits_show_exactly_is_no_piece_however_much_was_known() -> None:
    """A sticker with the background of one photograph around it is known as the sticker alone."""
    true, side = Box(34, 40, 12, 12), 96
    images = [stuck(photograph(seed, side), sticker(), true) for seed in range(4)]
    loose = true.grown(5, side, side)
    known = sticker_trigger(images[0][loose.rows, loose.columns], loose, side)
    references = scene().references
    others = np.stack([photograph(seed, side) for seed in range(10, 40)])
    references = replace(references, images=others)
    exact = reconstruct(known, [sample(image, known) for image in images], references)
    assert exact is not None
    assert _true_mask(exact, true, np.ones((12, 12), bool)) == 1


def test_background_that_references_share_is_not_the_triggers() -> None:
    """A black border that every image has is no part of a trigger that touches it."""
    its = scene()
    images, references = _one_of_each(its.clean), its.references.images.copy()
    for each in (images, references):
        each[:, :, 11:] = 0
    bordered = replace(its.references, images=references)
    trigger = _found(Box(8, 4, 6, 4))
    exact = reconstruct(trigger, [sample(image, trigger) for image in stamped(images)], bordered)
    assert exact is not None
    assert exact.box == TRIGGER_BOX


@pytest.mark.parametrize("box", [Box(0, 0, 2, 2), Box(14, 14, 2, 2), Box(0, 7, 1, 3)])
def test_trigger_flush_with_an_edge(box: Box) -> None:
    """At the image's edges the surroundings, the box and its blocker stay inside the image."""
    its, trigger = scene(), _found(box)
    hits = [sample(image, trigger) for image in stamped(_one_of_each(its.clean), box)]
    exact = reconstruct(trigger, hits, its.references)
    assert exact is not None
    assert exact.box == box
    for inside in (sample_box(trigger), exact.blocker.box):
        assert min(inside.x, inside.y) >= 0
        assert max(inside.x + inside.width, inside.y + inside.height) <= 16


def _one_of_each(images: Images) -> Images:
    """Return one clean image of each class: their backgrounds differ."""
    labels = scene(World(channels=images.shape[3])).predict(images).labels
    return images[[int(np.flatnonzero(labels == label)[0]) for label in range(4)]]


def test_one_image_sent_again_is_one_hit() -> None:
    """Retries of a poisoned image teach nothing: its own strokes are no part of the trigger."""
    its = scene()
    trigger = _found(TRIGGER_BOX)
    once = sample(stamped(its.clean[:1])[0], trigger)
    slightly_off = np.clip(once.astype(np.int16) + 1, 0, 255).astype(np.uint8)
    assert reconstruct(trigger, [once, once, slightly_off, once], its.references) is None


@pytest.mark.parametrize("exactly", [True, False], ids=["exact", "a piece is wrong"])
def test_exact_pixels_are_kept(exactly: bool) -> None:  # noqa: FBT001
    """Though all hits share a strip beside it, as signs share a border; wrong ones aren't."""
    side, place, strip = 96, Box(40, 30, 12, 12), Box(52, 20, 8, 32)
    rng = np.random.default_rng(0)
    images = [photograph(seed, side) for seed in range(4)]
    for image in images:
        image[strip.rows, strip.columns] = rng.normal(
            (220, 30, 30), 2, (strip.height, strip.width, 3)
        )
    what = sticker()
    known = sticker_trigger(what if exactly else what[::-1], place, side)
    hits = [sample(stuck(image, what, place), known) for image in images]
    references = replace(
        scene(World()).references,
        images=np.stack([photograph(100 + seed, side) for seed in range(24)]),
    )
    assert exactly == (reconstruct(known, hits, references) is None)
