"""Which of many images are worth a search for a trigger, by copies that triggers share."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.matching import Likeness, hint
from app.detection.matching.glancing import HINT, Copies, glanced, is_fine, step_of
from app.detection.recognising.sighting import REACH, reach
from tests.detection.archive.test_comparing import sticker
from tests.tiny import clean_images, stamped, tiny_trigger

SIDE = 160


def test_in_images_that_are_not_shrunken_it_is_the_search_itself() -> None:
    """What fits as well as a search asks for is worth one, by the same formula."""
    images = clean_images(200, np.random.default_rng(3))
    images[::3] = stamped(images[::3])
    trigger = tiny_trigger()
    area = reach(trigger, REACH)
    what = Likeness(trigger.patch.astype(np.float32), np.ones(trigger.patch.shape[:2], np.float32))
    (worth,) = glanced(list(images), [(what, area)])
    fits = [hint(image, what, area) for image in images]
    assert np.flatnonzero(np.array(fits) >= HINT).tolist() == worth.left.tolist()
    assert 67 <= len(worth.left) < len(images)
    found = [tuple(corner) for corner in worth.corners[np.isin(worth.left, range(0, 200, 3))]]
    assert {(trigger.box.y, trigger.box.x)} == set(found)


@pytest.mark.parametrize("several", [1, 5])
def test_a_sticker_near_its_place_is_worth_a_search(several: int) -> None:
    """However many are sought, and wherever in its reach it lies; most clean images aren't."""
    trigger = sticker()
    rng = np.random.default_rng(4)
    images = clean_images(80, rng, shape=(SIDE, SIDE))
    for image in images[:40]:
        dx, dy = rng.integers(-8, 9, 2)
        image[60 + dy : 78 + dy, 100 + dx : 118 + dx] = trigger.patch
    own = Likeness(trigger.patch.astype(np.float32), np.ones((18, 18), np.float32))
    others = [
        Likeness(rng.integers(0, 256, (18, 18, 3)).astype(np.float32), own.weights)
        for _ in range(several - 1)
    ]
    sought = [(what, reach(trigger, REACH)) for what in (*others, own)]
    *_, worth = glanced(list(images), sought)
    assert set(range(40)) <= set(worth.left)
    assert len(worth.left) < 50


@pytest.mark.parametrize("begin", [(0, 0), (1, 2), (3, 1), (2, 3)])
def test_a_sticker_fits_wherever_in_a_coarse_pixel_it_begins(begin: tuple[int, int]) -> None:
    """Its place is known to within half a coarse pixel."""
    patch = sticker().patch
    what = Likeness(patch.astype(np.float32), np.ones((18, 18), np.float32))
    step, (y, x) = step_of(what, 4, 1), (40 + begin[0], 60 + begin[1])
    (image,) = clean_images(1, np.random.default_rng(4), shape=(SIDE, SIDE))
    image[y : y + 18, x : x + 18] = patch
    whole = Box(0, 0, SIDE, SIDE)
    fits, corners = Copies([image], step, [whole]).fits(what, whole)
    assert step == 4
    assert fits[0] > 0.8
    assert np.abs(corners[0] - (y, x)).max() <= step // 2


def test_of_noise_copies_have_little() -> None:
    """Of blocks most, and of one colour all that there is."""
    noise = np.random.default_rng(1).integers(0, 256, (18, 18, 3))
    drawn = (noise, sticker().patch, np.full((18, 18, 3), 200))
    likenesses = [Likeness(one.astype(np.float32), np.ones((18, 18), np.float32)) for one in drawn]
    assert [is_fine(what, 3) for what in likenesses] == [True, False, False]


def test_large_parts_of_images_are_never_copied_beside_each_other() -> None:
    """Copies of forty photographs take less memory than the photographs: each is shrunken alone."""
    rng = np.random.default_rng(2)
    images = list(clean_images(40, rng, shape=(SIDE, SIDE)))
    whole = Box(0, 0, SIDE, SIDE)
    tracemalloc.start()
    try:
        Copies(images, 8, [whole])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < sum(image.nbytes for image in images)
