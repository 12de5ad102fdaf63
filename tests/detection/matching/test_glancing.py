"""Which of many images are worth a search for a trigger, by copies that triggers share."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.matching import Likeness, hint
from app.detection.matching.glancing import HINT, glanced
from app.detection.recognising.sighting import REACH, reach
from tests.detection.recognising.test_comparing import sticker
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
