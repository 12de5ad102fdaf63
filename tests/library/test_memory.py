"""The library and the calibrations of a process that is alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.reference_set.references import Calibration
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.ports import Tally, UnknownTriggerError
from tests.library.findings import sample, trigger

if TYPE_CHECKING:
    from app.ports import CalibrationStore, TriggerLibrary


async def test_triggers_are_told_newest_first() -> None:
    """Each new trigger comes before the older ones; the same one found again is no new one."""
    library: TriggerLibrary = MemoryTriggerLibrary()
    for found in (trigger(1), trigger(2), trigger(1, x=9)):
        await library.register(found)
    assert ["t-2", "t-1"] == [entry.id for entry in library.entries()]
    assert library.problem() is None


async def test_a_dismissed_trigger_stays_dismissed() -> None:
    """A dismissed trigger that is found again stays dismissed until it is restored."""
    library = MemoryTriggerLibrary()
    kept = await library.register(trigger())
    await library.dismiss(kept.id)
    again = await library.register(trigger(x=9))
    assert (kept.id, True) == (again.id, again.dismissed)
    assert ((), (again,)) == (library.entries(), library.dismissed())

    restored = await library.restore(kept.id)
    assert (restored,) == library.entries()


async def test_hits_are_counted_and_eight_samples_kept() -> None:
    """Every hit counts and is the last one seen; the first eight samples are kept."""
    library = MemoryTriggerLibrary()
    kept = await library.register(trigger())
    samples, *_ = [await library.hit(kept.id, sample(value)) for value in range(10)][::-1]
    entry = library.entry(kept.id)
    assert list(range(8)) == [int(one[0, 0, 0]) for one in samples]
    assert (10, True) == (entry.hits, entry.last_seen_at >= entry.discovered_at)
    assert () == await library.hit("t-gone", sample(0))


async def test_a_refined_trigger_replaces_the_first_one() -> None:
    """What is known of a trigger is replaced; its hits stay."""
    library = MemoryTriggerLibrary()
    kept = await library.register(trigger())
    await library.hit(kept.id, sample(0))
    exact = trigger(x=10)
    await library.refine(kept.id, exact)
    assert (exact, 1) == (library.entry(kept.id).trigger, library.entry(kept.id).hits)


async def test_the_tally_counts() -> None:
    """Counts of images add up."""
    library = MemoryTriggerLibrary()
    library.count(screened=2)
    library.count(screened=1, flagged=1)
    assert Tally(3, 1) == library.tally()


async def test_an_unknown_id_is_named() -> None:
    """Asking for, dismissing or refining what isn't there says which id is unknown."""
    library = MemoryTriggerLibrary()
    with pytest.raises(UnknownTriggerError, match="t-none"):
        library.entry("t-none")
    with pytest.raises(UnknownTriggerError, match="t-none"):
        await library.dismiss("t-none")
    with pytest.raises(UnknownTriggerError, match="t-none"):
        await library.refine("t-none", trigger())


async def test_a_calibration_is_measured_once() -> None:
    """What was measured under a key is kept under it, and so are placebo rates."""
    store: CalibrationStore = MemoryCalibrationStore(seed=7)
    measured = []

    async def measure() -> Calibration:
        measured.append(Calibration(np.zeros(3, np.int64), np.zeros((0, 0), np.int64)))
        return measured[-1]

    first, again = [await store.calibration("one", measure) for _ in range(2)]
    other = await store.calibration("other", measure)
    assert [first, other] == measured
    assert first is again

    await store.keep_placebo_rates("one", {"a": 0.1})
    await store.keep_placebo_rates("one", {"b": 0.2})
    assert {"a": 0.1, "b": 0.2} == await store.placebo_rates("one")
    assert {} == await store.placebo_rates("other")
    assert 7 == await store.seed()
