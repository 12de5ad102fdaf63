"""Which of many images show triggers at their places: the same as is said of a single one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.archive.placing import at_home
from app.detection.defence import Known
from app.detection.recognising.presence import at_their_places
from tests.detection.archive.test_comparing import BOX, SIDE, sticker
from tests.tiny import clean_images, stamped, tiny_trigger


def test_all_at_once_is_the_same_as_one_by_one() -> None:
    """With a mask and without, one of no pixels too; whole, half covered, and not there."""
    rng = np.random.default_rng(3)
    images = clean_images(60, rng)
    images[:40] = stamped(images[:40])
    trigger = tiny_trigger()
    box = trigger.box
    for i, image in enumerate(images[:30]):
        covered = rng.random((box.height, box.width)) < i / 30
        image[box.rows, box.columns][covered] = 127
    mask = rng.random(trigger.patch.shape[:2]) < 0.7
    triggers = (
        replace(trigger, mask=None),
        replace(trigger, mask=mask),
        replace(trigger, mask=np.zeros_like(mask)),
        replace(trigger, patch=255 - trigger.patch),
    )
    known = tuple(Known(str(i), one) for i, one in enumerate(triggers))
    one_by_one = [at_their_places(image, known) for image in images]
    all_at_once = list(at_home(list(images), known))
    assert one_by_one == np.stack(all_at_once, axis=1).tolist()
    assert 40 > sum(there[0] for there in one_by_one) > 20


def test_of_a_large_one_some_pixels_tell_the_same() -> None:
    """Of hundreds of pixels, from a fifth that are there to all of them."""
    rng = np.random.default_rng(5)
    images = clean_images(60, rng, shape=(SIDE, SIDE))
    known = (Known("t", sticker()),)
    for i, image in enumerate(images):
        shown = rng.random((BOX.height, BOX.width)) < 0.2 + 0.8 * i / 60
        image[BOX.rows, BOX.columns][shown] = known[0].trigger.patch[shown]
    one_by_one = [at_their_places(image, known)[0] for image in images]
    (there,) = at_home(list(images), known)
    assert one_by_one == there.tolist()
    assert 20 < sum(one_by_one) < 60
