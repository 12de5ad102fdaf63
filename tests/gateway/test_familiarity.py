"""What is usual of a trigger's pixels is measured before an image asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.blended import recognising
from app.detection.defence import Known
from app.detection.matching import likeness
from app.detection.plan import make_plan
from app.detection.recognising.asking import GLIMPSED_SIDE
from app.detection.recognising.sighting import is_familiar
from app.gateway.familiarity import NEWEST, Familiarity
from app.gateway.preparation.prepared import Prepared
from app.library.memory import MemoryTriggerLibrary
from tests.detection.blended.worlds import blended_trigger
from tests.detection.scenes import scene
from tests.tiny import SIDE, tiny_trigger

if TYPE_CHECKING:
    from app.ports import Entry


async def _entries(count: int) -> tuple[Entry, ...]:
    """Return *count* entries, newest first, each of another class."""
    library = MemoryTriggerLibrary()
    for target in range(count):
        await library.register(replace(tiny_trigger(), target=target))
    return library.entries()


def _prepared() -> Prepared:
    return Prepared(scene().references, make_plan(SIDE, SIDE, 3, 0.316), "")


async def test_the_newest_are_measured() -> None:
    """Of a library those that came last are measured; of the others none was asked for yet."""
    prepared, familiarity = _prepared(), Familiarity()
    references = prepared.references
    entries = await _entries(NEWEST + 1)
    familiarity.gain(entries, prepared)
    await familiarity.close()
    familiar = [is_familiar(Known(one.id, one.trigger), references) for one in entries]
    assert [True] * NEWEST + [False] == familiar


@pytest.mark.parametrize("pictures", [False, True])
async def test_how_alike_pictures_are_is_measured_for_the_lockout_alone(*, pictures: bool) -> None:
    """Of ten thousand references that takes seconds."""
    prepared, familiarity = _prepared(), Familiarity(pictures=pictures)
    familiarity.gain(await _entries(1), prepared)
    await familiarity.close()
    assert pictures is bool(prepared.references.usually_alike)


async def test_copies_and_halves_are_measured_of_what_is_exact() -> None:
    """They are looked for everywhere then, which takes longest; of a rough one they aren't."""
    prepared, familiarity = _prepared(), Familiarity()
    references = prepared.references
    rough, exact = await _entries(2)
    own = np.ones(exact.trigger.patch.shape[:2], bool)
    exact = replace(exact, trigger=replace(exact.trigger, mask=own))
    rough = replace(rough, trigger=replace(rough.trigger, mask=None))
    familiarity.gain([rough, exact], prepared)
    await familiarity.close()
    assert [likeness(exact.trigger)] == [*references.usual_strewn]


async def test_what_is_blended_in_is_measured_as_such() -> None:
    """How much of its picture clean images show: it has no place to be looked for at."""
    prepared, familiarity = _prepared(), Familiarity()
    library = MemoryTriggerLibrary()
    await library.register(blended_trigger())
    (entry,) = library.entries()
    familiarity.gain([entry], prepared)
    await familiarity.close()
    assert [likeness(entry.trigger)] == [*prepared.references.usual_blends]
    assert not prepared.references.usual_sightings
    known = Known(entry.id, entry.trigger)
    large = replace(entry.trigger, image_height=SIDE + 1)
    other = Prepared(scene().references, prepared.plan, "")
    assert recognising.is_familiar(known, prepared.references)
    assert not recognising.is_familiar(known, other.references)
    assert recognising.is_familiar(Known("t-2", large), other.references)


async def test_one_is_measured_once() -> None:
    """What is known isn't measured again, what is new meanwhile is."""
    prepared, familiarity = _prepared(), Familiarity()
    references = prepared.references
    first, second = await _entries(2)
    familiarity.gain([first], prepared)
    await familiarity.close()
    measured = dict(references.usual_sightings)
    familiarity.gain([second, first], prepared)
    await familiarity.close()
    assert 2 == len(references.usual_sightings)
    assert measured.items() <= dict(references.usual_sightings).items()


async def test_a_fault_ends_nothing_else() -> None:
    """A trigger that can't be measured stops nobody who waits for the end."""
    prepared, familiarity = _prepared(), Familiarity()
    references = prepared.references
    (entry,) = await _entries(1)
    broken = replace(entry, trigger=replace(entry.trigger, patch=entry.trigger.patch[:, :, :0]))
    familiarity.gain([broken], prepared)
    await familiarity.close()
    assert 0 == len(references.usual_sightings)


@pytest.mark.parametrize("side", [GLIMPSED_SIDE - 1, GLIMPSED_SIDE])
async def test_its_own_size_is_measured_in_small_images(side: int) -> None:
    """In these every image asks for it, in large ones none does."""
    its, times = scene().references, side // SIDE + 1
    images = its.images.repeat(times, axis=1).repeat(times, axis=2)[:, :side, :side]
    references = replace(its, images=images, usual_in_own_size={})
    (entry,) = await _entries(1)
    larger = replace(entry.trigger, image_height=side, image_width=side)
    familiarity = Familiarity()
    prepared = Prepared(references, make_plan(side, side, 3, 0.316), "")
    familiarity.gain([replace(entry, trigger=larger)], prepared)
    await familiarity.close()
    assert (side < GLIMPSED_SIDE) is bool(references.usual_in_own_size)
