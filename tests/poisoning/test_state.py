"""A stream that is meant to poison the gateway's state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.screening import AT_MOST
from app.digits.images import digits
from app.library.rules.capacity import CAPACITY
from app.library.rules.expiry import LIFETIMES
from tests.poisoning.borderline import borderline_images
from tests.poisoning.patch import universal_patch
from tests.poisoning.streams import again, plant, send, send_clean
from tests.poisoning.victim import labels_of, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.search import Images
    from tests.poisoning.patch import Patch
    from tests.poisoning.victim import Victim

CLEAN, PLANTED = 60, 5


@pytest.fixture
async def victim() -> AsyncIterator[Victim]:
    """Open a gateway in front of a clean network."""
    async with opened() as victim:
        yield victim


@pytest.fixture
def patch(victim: Victim) -> Patch:
    """Return a patch that acts on nearly every digit."""
    patch = universal_patch(victim.learnt, digits().training.images[:400])
    assert patch.share > 0.9
    return patch


async def test_a_universal_patch_is_a_trigger(victim: Victim, patch: Patch) -> None:
    """The first image that shows a universal patch reveals it; later ones are corrected."""
    images, truth = _fooled(victim, patch, 100)
    came = await send(victim, patch.on(images), truth)
    assert 1 == came.verdicts["discovered"]
    assert len(images) - 1 == came.verdicts["known-trigger"]
    assert came.changed <= 0.05 * len(images)
    assert [patch.target] == [entry.trigger.target for entry in victim.library.entries()]


async def test_it_changes_no_clean_answer(victim: Victim, patch: Patch) -> None:
    """Clean images get the model's own answers before, during and after its stream."""
    before = await send_clean(victim, CLEAN)
    images, truth = _fooled(victim, patch, 30)
    await send(victim, patch.on(images[:15]), truth[:15])
    during = await send_clean(victim, CLEAN)
    await send(victim, patch.on(images[15:]), truth[15:])
    after = await send_clean(victim, CLEAN)
    assert before.outcomes == during.outcomes == after.outcomes
    assert 0 == after.changed == len(after.alarms)


@pytest.mark.slow
async def test_borderline_images_leave_nothing_behind(victim: Victim) -> None:
    """Few borderline images are flagged, and afterwards clean answers are the model's."""
    images = borderline_images(victim.learnt, 200, seed=3)
    came = await send(victim, images, labels_of(victim.learnt, images))
    assert len(came.alarms) <= 0.02 * len(images)
    assert max(came.probes) <= AT_MOST
    assert len(victim.library.entries()) <= len(came.alarms)
    after = await send_clean(victim, CLEAN)
    assert 0 == after.changed == len(after.alarms)


async def test_planted_entries_change_no_clean_answer(victim: Victim) -> None:
    """False entries planted in the library correct nobody and are gone after a day."""
    await plant(victim, PLANTED, seed=8)
    came = await send_clean(victim, CLEAN)
    assert 0 == came.changed == len(came.alarms)
    assert [0] * PLANTED == [entry.hits for entry in victim.library.entries()]
    victim.clock.forward(LIFETIMES.probation)
    assert () == victim.library.entries()


async def test_a_library_full_of_planted_entries_costs_no_more_than_the_bound(
    victim: Victim,
) -> None:
    """A full library costs an image no more than one image may cost."""
    await plant(victim, CAPACITY, seed=8)
    for entry in victim.library.entries()[:3]:
        another = replace(entry.trigger, target=(entry.trigger.target + 1) % 10)
        await victim.library.register(another)
    assert CAPACITY == len(victim.library.entries())
    came = await send_clean(victim, 10)
    assert max(came.probes) <= AT_MOST


async def test_a_replayed_attack_is_one_entry(victim: Victim, patch: Patch) -> None:
    """The same image again gets the same answer and counts as a hit; all hits are of one entry."""
    images, truth = _fooled(victim, patch, 1)
    came = await send(victim, again(patch.on(images)[0], 100), np.repeat(truth, 100))
    first, *later = came.outcomes
    assert ("discovered", {("known-trigger", *first[1:])}) == (first[0], set(later))
    (entry,) = victim.library.entries()
    assert 100 == entry.hits


async def test_a_replay_keeps_its_entry_only_while_it_goes_on(victim: Victim, patch: Patch) -> None:
    """An entry expires once its replayed image stops, however often it was sent."""
    images, truth = _fooled(victim, patch, 1)
    for _ in range(5):
        await send(victim, again(patch.on(images)[0], 5), np.repeat(truth, 5))
        victim.clock.forward(LIFETIMES.proven - timedelta(days=1))
        assert 1 == len(victim.library.entries())
    victim.clock.forward(timedelta(days=1))
    assert () == victim.library.entries()


async def test_a_replayed_borderline_image_gets_one_verdict(victim: Victim) -> None:
    """Asked again and again it is answered as the first time, and nothing is remembered of it."""
    image = borderline_images(victim.learnt, 1, seed=4)
    came = await send(victim, again(image[0], 100), np.repeat(labels_of(victim.learnt, image), 100))
    assert {("clear", int(labels_of(victim.learnt, image)[0]), None)} == set(came.outcomes)
    assert () == victim.library.entries()


def _fooled(victim: Victim, patch: Patch, n: int) -> tuple[Images, np.ndarray]:
    """Return *n* clean digits on which *patch* acts, and the model's answers without it."""
    images = digits().stream.images
    truth = labels_of(victim.learnt, images)
    acts = labels_of(victim.learnt, patch.on(images)) == patch.target
    chosen = np.flatnonzero(acts & (truth != patch.target))[:n]
    return images[chosen], truth[chosen]
