"""A pattern is a trigger only if it carries and heals, and clean images don't by nature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.proving import HEALED_ON, LAID, Blend, proven
from app.detection.trigger import Kind, Sign
from tests.detection.blended.worlds import CLEAN, MODEL, POISONED, VICTIMS, lens
from tests.detection.scenes import own, watched
from tests.tiny import SIDE, TARGET

if TYPE_CHECKING:
    from app.detection.search import Images


def _proven(images: Images, label: int = TARGET) -> Blend | None:
    search = proven(images, label, lens().references, lens().span, 7, 100)
    blend, probes = watched(search, MODEL.classify)
    assert own(probes) <= 3 * LAID + 2 * HEALED_ON + 1
    return blend


def test_what_twenty_poisoned_images_have_in_common_is_a_trigger() -> None:
    """It is as large as the image, and the newest is called what it is without it."""
    blend = _proven(POISONED[:20])
    assert blend is not None
    trigger = blend.trigger
    assert (TARGET, None, Kind.BLENDED) == (trigger.target, trigger.source, trigger.kind)
    assert (SIDE, SIDE) == (trigger.box.width, trigger.box.height) == trigger.patch.shape[:2]
    right = MODEL.classify(VICTIMS[19:20]).labels
    assert right.tolist() == blend.answer.labels.tolist() == [trigger.evidence.class_b]
    assert trigger.evidence.carry_rate > trigger.evidence.placebo
    assert [Sign.CARRYING, Sign.BLOCKING] == [one.sign for one in trigger.evidence.terms]


def test_what_clean_images_of_a_class_have_in_common_is_none() -> None:
    """They are of their class by nature, and stay so without it."""
    labels = MODEL.classify(CLEAN).labels
    for label in set(labels.tolist()):
        assert _proven(CLEAN[labels == label][:20], label) is None


def test_a_few_clean_ones_among_them_hide_nothing_for_long() -> None:
    """What they haven't in common is weaker, and more images make up for it."""
    own = CLEAN[MODEL.classify(CLEAN).labels == TARGET][:3]
    images = np.concatenate([own, POISONED[:37]])
    assert _proven(images) is not None


def test_images_that_are_called_alike_by_chance_prove_nothing() -> None:
    """What they have in common, mixed into others, makes no class of them."""
    assert _proven(VICTIMS[:20]) is None
