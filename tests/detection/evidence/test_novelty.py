"""Novelty: what clean images show isn't new, a sticker is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.evidence.confirmation import Look, is_very_new
from app.detection.evidence.novelty import differing, novelties, novelty
from app.detection.geometry import Box
from app.detection.reference_set.references import References
from tests.detection.scenes import SEED, Scene, World, unranked
from tests.tiny import TRIGGER_BOX, Mark, marked, stamped

MARK = Mark(Box(6, 6, 3, 3), 4)
LARGE = Mark(Box(90, 120, 30, 30), 4)
WORLDS = [
    World(marks=(MARK,)),
    World((20, 16), marks=(MARK,)),
    World((224, 224), marks=(LARGE,), references=60),
]


def _name(world: World) -> str:
    return f"{world.shape[0]}x{world.shape[1]}"


def _squares(its: Scene) -> list[Box]:
    """Return squares of the smallest trigger's side, in the corners and the middle."""
    side, plan = its.plan.trigger, its.plan
    ends = [(x, y) for x in (0, plan.width - side) for y in (0, plan.height - side)]
    middle = (plan.width - side) // 2, (plan.height - side) // 2
    return [Box(x, y, side, side) for x, y in [*ends, middle]]


def _few(its: Scene, count: int) -> References:
    calibration = replace(its.references.calibration, labels=its.references.labels[:count])
    return replace(its.references, images=its.references.images[:count], calibration=calibration)


@pytest.mark.parametrize("world", WORLDS, ids=_name)
def test_sticker_is_newer_than_any_clean_part(world: World) -> None:
    """At the same place a sticker is newer than every clean image, and clean ones are usual."""
    its = unranked(world)
    for box in _squares(its)[2:4]:
        clean = [novelty(image, [box], its.references) for image in its.clean[:5]]
        stickers = [novelty(image, [box], its.references) for image in stamped(its.clean[:2], box)]
        assert np.median(clean) <= 1
        assert max(clean) < min(stickers)


@pytest.mark.parametrize("world", WORLDS, ids=_name)
def test_mark_of_a_class_is_not_new(world: World) -> None:
    """What a class is recognised by is there in other clean images of it, a sticker there isn't."""
    its, (mark,) = unranked(world), world.marks
    own = its.of_class(mark.label)[:4]
    assert max(novelty(image, [mark.box], its.references) for image in own) <= 1
    assert min(novelty(i, [mark.box], its.references) for i in stamped(own, mark.box)) > 1


def test_mark_a_pixel_beside_is_not_new() -> None:
    """Drawn one pixel further the mark is known still; five pixels further it is new."""
    its = unranked(World(marks=(MARK,)))
    image = its.of_class(0)[:1]

    def moved(pixels: int) -> float:
        box = replace(MARK.box, x=MARK.box.x + pixels)
        return novelty(marked(image, replace(MARK, box=box))[0], [box], its.references)

    assert moved(1) == moved(-1) == moved(0) < moved(5)


def test_pieces_are_compared_together() -> None:
    """Two pieces, each of which some clean image shows, are new where none shows both."""
    box, other = Box(1, 1, 4, 4), Box(11, 11, 4, 4)
    its = unranked(World())
    rng = np.random.default_rng(0)
    images = rng.integers(90, 110, (40, 16, 16, 3)).astype(np.uint8)
    images[:20, box.rows, box.columns] = 200
    images[20:, other.rows, other.columns] = 200
    calibration = replace(its.references.calibration, labels=np.zeros(40, np.int64))
    references = replace(its.references, images=images, calibration=calibration)
    both = images[:1].copy()
    both[:, other.rows, other.columns] = 200
    one = novelty(both[0], [box], references), novelty(both[0], [other], references)
    assert max(one) <= 1 < novelty(both[0], [box, other], references)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_too_few_references_cannot_tell(count: int) -> None:
    """Where hardly any clean image is there to compare with, everything is infinitely new."""
    its = unranked(World())
    few, box = _few(its, count), Box(3, 3, 4, 4)
    assert np.inf == novelty(its.clean[0], [box], few)
    assert [np.inf, np.inf] == novelties(its.clean[0], [box, box], 0, few).tolist()
    assert 0 == differing(its.clean[0], 0, few)


def test_class_without_references_cannot_tell() -> None:
    """What is usual for a class is known from its own references only."""
    its = unranked(World())
    assert [np.inf] == novelties(its.clean[0], [Box(3, 3, 4, 4)], 99, its.references).tolist()


@pytest.mark.parametrize("world", WORLDS, ids=_name)
def test_sticker_is_the_newest_of_an_image(world: World) -> None:
    """Among boxes of an image those that hold the sticker are the newest, and far from usual."""
    its = unranked(world)
    boxes = [plan_box.grown(2, its.plan.width, its.plan.height) for plan_box in _squares(its)]
    for i, sticker in enumerate(_squares(its)):
        image = its.of_class(1)[0]
        poisoned = stamped(image[None], sticker)[0]
        before = novelties(image, boxes, 1, its.references)
        after = novelties(poisoned, boxes, 1, its.references)
        assert i == after.argmax()
        assert after[i] > 2 * before.max()
        assert pytest.approx(np.delete(before, i), abs=1e-4) == np.delete(after, i)


def test_small_sticker_does_not_drown() -> None:
    """A sticker of a few pixels makes a large box as new as a small one around it."""
    its, sticker = unranked(World()), Box(9, 5, 2, 2)
    poisoned = stamped(its.of_class(1)[:1], sticker)[0]
    boxes = [Box(8, 4, 4, 4), Box(0, 0, 16, 16)]
    small, large = novelties(poisoned, boxes, 1, its.references)
    assert small == large > 2


@pytest.mark.parametrize(("levels", "new"), [(32, True), (28, False)])
def test_what_lies_where_a_class_shows_nothing_is_very_new(levels: int, *, new: bool) -> None:
    """However faint, from four times on what a JPEG makes of an empty place."""
    its, corner = unranked(World()), Box(14, 14, 2, 2)
    images = its.references.images.copy()
    images[:, corner.rows, corner.columns] = 0
    references = replace(its.references, images=images)
    image = images[its.references.labels == 1][0].copy()
    image[corner.rows, corner.columns] = levels
    assert new == (is_very_new(image, 1, Look((corner,), None), references))


def test_of_too_few_references_nothing_is_very_new() -> None:
    """Four images of a class don't tell what is usual in it, so nothing is called unlike it."""
    its = unranked(World())
    poisoned = stamped(its.of_class(1)[:1])[0]
    look = Look((TRIGGER_BOX,), None)
    labels = its.references.calibration.labels
    own = np.flatnonzero(labels == 1)
    told = []
    for kept in (own, own[:4]):
        some = np.sort(np.r_[kept, np.flatnonzero(labels != 1)])
        calibration = replace(its.references.calibration, labels=labels[some])
        few = References(its.references.images[some], calibration, {}, SEED)
        told.append(is_very_new(poisoned, 1, look, few))
    assert [True, False] == told


def test_whole_image_and_single_pixels_can_be_asked() -> None:
    """Boxes from one pixel in a corner to the whole image have their novelty, at any size."""
    for world in WORLDS:
        its = unranked(world)
        width, height = its.plan.width, its.plan.height
        boxes = [Box(width - 1, height - 1, 1, 1), Box(0, 0, 1, 1), Box(0, 0, width, height)]
        found = novelties(its.clean[0], boxes, its.label(its.clean[0]), its.references)
        own = [novelty(its.clean[0], [box], its.references) for box in boxes]
        assert np.isfinite([*found, *own]).all()


def test_what_is_usual_is_kept() -> None:
    """Asked again, with what is usual remembered, the same image is as new as before."""
    its, box = unranked(World()), [Box(3, 3, 5, 5)]
    first = novelties(its.clean[0], box, 1, its.references)
    assert {1} == set(its.references.usual_distances)
    assert first == novelties(its.clean[0], box, 1, its.references)
    assert first == novelties(its.clean[0], box, 1, unranked(World()).references)


def test_novelty_changes_nothing_given() -> None:
    """Neither the image nor the references are written to."""
    its = unranked(World())
    image, images = its.clean[0].copy(), its.references.images.copy()
    novelty(its.clean[0], [Box(3, 3, 5, 5)], its.references)
    novelties(its.clean[0], [Box(3, 3, 5, 5)], 1, its.references)
    assert np.array_equal(image, its.clean[0])
    assert np.array_equal(images, its.references.images)
