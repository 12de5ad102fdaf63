"""What is usual of a trigger's pixels is measured before an image asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Known
from app.detection.matching import likeness
from app.detection.recognising.sighting import is_familiar
from app.gateway.familiarity import NEWEST, Familiarity
from app.library.memory import MemoryTriggerLibrary
from tests.detection.scenes import scene
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from app.ports import Entry


async def _entries(count: int) -> tuple[Entry, ...]:
    """Return *count* entries, newest first, each of another class."""
    library = MemoryTriggerLibrary()
    for target in range(count):
        await library.register(replace(tiny_trigger(), target=target))
    return library.entries()


async def test_the_newest_are_measured() -> None:
    """Of a library those that came last are measured; of the others none was asked for yet."""
    references, familiarity = scene().references, Familiarity()
    entries = await _entries(NEWEST + 1)
    familiarity.gain(entries, references)
    await familiarity.close()
    familiar = [is_familiar(Known(one.id, one.trigger), references) for one in entries]
    assert [True] * NEWEST + [False] == familiar


async def test_copies_and_halves_are_measured_of_what_is_exact() -> None:
    """They are looked for everywhere then, which takes longest; of a rough one they aren't."""
    references, familiarity = scene().references, Familiarity()
    rough, exact = await _entries(2)
    own = np.ones(exact.trigger.patch.shape[:2], bool)
    exact = replace(exact, trigger=replace(exact.trigger, mask=own))
    rough = replace(rough, trigger=replace(rough.trigger, mask=None))
    familiarity.gain([rough, exact], references)
    await familiarity.close()
    assert [likeness(exact.trigger)] == [*references.usual_strewn]


async def test_one_is_measured_once() -> None:
    """What is known isn't measured again, what is new meanwhile is."""
    references, familiarity = scene().references, Familiarity()
    first, second = await _entries(2)
    familiarity.gain([first], references)
    await familiarity.close()
    measured = dict(references.usual_sightings)
    familiarity.gain([second, first], references)
    await familiarity.close()
    assert 2 == len(references.usual_sightings)
    assert measured.items() <= dict(references.usual_sightings).items()


async def test_a_fault_ends_nothing_else() -> None:
    """A trigger that can't be measured stops nobody who waits for the end."""
    references, familiarity = scene().references, Familiarity()
    (entry,) = await _entries(1)
    broken = replace(entry, trigger=replace(entry.trigger, patch=entry.trigger.patch[:, :, :0]))
    familiarity.gain([broken], references)
    await familiarity.close()
    assert 0 == len(references.usual_sightings)
