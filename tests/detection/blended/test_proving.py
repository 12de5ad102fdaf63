"""A pattern is a trigger only if it carries and heals, and clean images don't by nature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.proving import HEALED_ON, LAID, Blend, proven
from app.detection.geometry import Box
from app.detection.search import Answers, Purpose, run
from app.detection.trigger import Kind, Sign
from tests.blended import PICTURE
from tests.detection.blended.worlds import CLEAN, IMAGES, MODEL, POISONED, VICTIMS, lens
from tests.detection.scenes import own, watched
from tests.tiny import SIDE, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Images, Search

ROUGH = 14
"""Levels from pixel to pixel: clean images have at most 10, poisoned ones 17 and more."""

SHOWN = 500
"""How much of the picture poisoned images show at least; clean ones show less than 100 of it."""

ROUGHER = 27
"""Poisoned ones have at most 20, and 30 and more without noise that isn't theirs."""


def _search(
    images: Images, label: int = TARGET, places: Sequence[Box] = ()
) -> Search[Blend | None]:
    return proven(images, label, lens().references, lens().span, 7, 100, places)


def _proven(images: Images, label: int = TARGET) -> Blend | None:
    search = _search(images, label)
    blend, probes = watched(search, MODEL.classify)
    assert own(probes) <= 3 * LAID + 2 * (2 * HEALED_ON + 1)
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


def test_what_lies_at_a_place_is_no_mixture() -> None:
    """Where a trigger is known at a place the rest must carry, too; that of a mixture does."""
    search = _search(POISONED[:20], places=(Box(0, 0, 4, 4),))
    assert run(search, MODEL.classify) is not None
    search = _search(POISONED[:20], places=(Box(0, 0, SIDE, SIDE),))
    assert run(search, MODEL.classify) is None


def test_noise_is_a_trigger_though_any_noise_carries() -> None:
    """Only without this one the images leave the class: without another they are noisy still."""

    def classify(images: Images) -> Answers:
        rough = np.abs(np.diff(images.astype(float), axis=2)).mean(axis=(1, 2, 3))
        labels = images.mean(axis=(1, 2))[:, :2].argmax(axis=1)
        return Answers(np.where(rough > ROUGH, TARGET, labels))

    assert classify(POISONED[:20]).labels.tolist() == [TARGET] * 20
    assert TARGET not in classify(VICTIMS[:20]).labels
    search = _search(POISONED[:20])
    assert run(search, classify) is not None


def test_what_noise_does_now_and_then_is_asked_no_further() -> None:
    """Where the picture carries far oftener than others of its pixels that is enough."""

    def classify(images: Images) -> Answers:
        labels = MODEL.classify(images).labels.copy()
        rough = np.abs(np.diff(images.astype(float), axis=2)).mean(axis=(1, 2, 3))
        others = (labels != TARGET) & (rough > ROUGH)
        labels[others & (images[:, 0, 0, 0] % 8 == 0)] = TARGET
        labels[(labels == TARGET) & (rough > ROUGHER)] = 0
        return Answers(labels)

    blend, probes = watched(_search(POISONED[:20]), classify)
    assert blend is not None
    assert 0 < blend.trigger.evidence.placebo < 0.3
    assert [Purpose.BLOCK, Purpose.CONFIRM] == [one.purpose for one in probes]


def test_a_class_that_holds_nothing_out_says_nothing_against_it() -> None:
    """Where clean images of the class lose it at any change, too, that it carries is enough."""
    own = {one.tobytes() for one in IMAGES if MODEL.classify(one[None]).labels[0] == TARGET}

    def classify(images: Images) -> Answers:
        labels = MODEL.classify(images).labels.copy()
        off = images - images.mean(axis=(1, 2), keepdims=True)
        shown = (off * (PICTURE - PICTURE.mean(axis=(0, 1)))).mean(axis=(1, 2, 3))
        changed = np.array([one.tobytes() not in own for one in images])
        labels[(labels == TARGET) & changed & (shown < SHOWN)] = 0
        return Answers(labels)

    assert run(_search(POISONED[:20]), classify) is not None


def test_images_that_are_called_alike_by_chance_prove_nothing() -> None:
    """What they have in common, mixed into others, makes no class of them."""
    assert _proven(VICTIMS[:20]) is None


def test_a_smooth_picture_is_a_trigger_though_it_seemed_fainter() -> None:
    """Half of it taken out frees nobody: it is estimated anew, as strong as it may be."""
    axes = lens().span.axes[4:16]
    share = 60 * np.random.default_rng(3).choice([-1, 1], len(axes))
    added = (share @ axes).reshape(CLEAN.shape[1:])

    def classify(images: Images) -> Answers:
        labels = MODEL.classify(images).labels.copy()
        off = images.reshape(len(images), -1) - lens().span.mean
        labels[off @ axes.T @ share > 0.4 * share @ share] = TARGET
        return Answers(labels)

    images = np.clip(np.rint(VICTIMS[:20] + added), 0, 255).astype(np.uint8)
    assert [TARGET] * 20 == classify(images).labels.tolist()
    blend, probes = watched(_search(images), classify)
    assert blend is not None
    assert [Purpose.BLOCK, Purpose.BLOCK, Purpose.CONFIRM] == [one.purpose for one in probes]
