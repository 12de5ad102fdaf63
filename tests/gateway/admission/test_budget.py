"""The probe budget."""

from __future__ import annotations

import numpy as np
import pytest

from app.gateway.admission.budget import ProbeBudget
from app.gateway.outcome import Screening
from tests.gateway.opened import innocents, opened
from tests.tiny import stamped

CLEAN = innocents(400)
POISONED = stamped(CLEAN[:40])


@pytest.mark.parametrize("mean", [0.0, 3.0, 9.0])
async def test_the_mean_holds_over_a_stream(store_url: str, name: str, mean: float) -> None:
    """Screening costs the budget on the mean, whatever one screen costs."""
    async with opened(store_url, name, probe_budget=mean) as worker:
        outcomes = [await worker.predict(image) for image in CLEAN]
    spent = [outcome.probes - 1 for outcome in outcomes]
    assert mean == pytest.approx(np.mean(spent), rel=0.35, abs=0.01)
    for outcome in outcomes:
        assert (outcome.probes == 1) == (outcome.screening is Screening.PASSED)


async def test_known_triggers_are_always_caught(store_url: str, name: str) -> None:
    """The budget is for what is new: a known trigger is looked for in every image."""
    async with opened(store_url, name) as rich:
        await rich.predict(POISONED[0])
        async with opened(store_url, name, probe_budget=0.5) as poor:
            outcomes = [await poor.predict(image) for image in POISONED]
    assert {Screening.KNOWN_TRIGGER} == {outcome.screening for outcome in outcomes}


async def test_what_is_enough_screens_every_image(store_url: str, name: str) -> None:
    """A budget above what a screen costs leaves no image out."""
    async with opened(store_url, name, probe_budget=200.0) as worker:
        outcomes = [await worker.predict(image) for image in CLEAN[:50]]
    assert {Screening.CLEAR} == {outcome.screening for outcome in outcomes}


def test_without_a_mean_every_image_is_drawn() -> None:
    """No budget is no limit."""
    budget = ProbeBudget(None, 20.0, np.random.default_rng(1))
    assert all(budget.draw() for _ in range(100))


def test_what_a_quiet_time_leaves_over_is_not_for_one_burst() -> None:
    """After a long time of cheap screens, dear ones are cut back within some hundred images."""
    budget = ProbeBudget(20.0, 20.0, np.random.default_rng(1))
    for _ in range(50_000):
        budget.draw()
        budget.spend(1)
    drawn = 0
    for _ in range(500):
        if budget.draw():
            budget.spend(200)
            drawn += 1
    assert 200 * drawn / 500 < 60
