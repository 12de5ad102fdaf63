"""What is learnt of a trigger from its hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.reference_set.references import Calibration, References
from app.gateway.learning import learn_hit
from app.library.memory import MemoryTriggerLibrary
from app.settings import Strategy
from tests.gateway.opened import REFERENCES, innocents
from tests.tiny import TinyModel, stamped, tiny_trigger

POISONED = stamped(innocents(4))
KNOWN = References(
    REFERENCES,
    Calibration(TinyModel().classify(REFERENCES).labels, np.zeros((0, 0), np.int64)),
    placebo_rates={},
    seed=7,
)


async def test_a_trigger_that_was_given_up_is_no_error() -> None:
    """A hit of a trigger that a full library has given up meanwhile is let go."""
    library = MemoryTriggerLibrary()
    await learn_hit("t-gone", POISONED[0], KNOWN, library, Strategy.FAST)
    assert () == library.entries()


async def test_an_exact_trigger_stays_as_it_is() -> None:
    """Once the mask is known hits are counted, and the trigger is not changed any more."""
    library = MemoryTriggerLibrary()
    mask = tiny_trigger().patch[..., 0] > 0
    entry = await library.register(replace(tiny_trigger(), mask=mask))
    for image in POISONED:
        await learn_hit(entry.id, image, KNOWN, library, Strategy.FAST)
    assert entry.trigger is library.entry(entry.id).trigger
    assert 4 == library.entry(entry.id).hits


async def test_the_papers_trigger_stays_as_it_is() -> None:
    """The paper stores a position and reconstructs no more."""
    library = MemoryTriggerLibrary()
    entry = await library.register(tiny_trigger())
    for image in POISONED:
        await learn_hit(entry.id, image, KNOWN, library, Strategy.PAPER)
    assert library.entry(entry.id).trigger.mask is None
    assert 4 == library.entry(entry.id).hits
