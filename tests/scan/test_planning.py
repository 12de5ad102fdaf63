"""What a scan's plan says that it takes: against what a search really asks first."""

from __future__ import annotations

import pytest

from app.detection.search import Probe, advance
from app.scan.planning import MORE, expected_inferences
from app.settings import Strategy
from tests.detection.scenes import World, scene

PLANS = {
    "rows and columns": (World((28, 28), channels=1), Strategy.FULL),
    "fewer bands hidden": (World((48, 48)), Strategy.FULL),
    "columns that wait": (World((28, 28), channels=1, trigger_max=0.1), Strategy.FULL),
    "nothing hidden": (World((48, 48)), Strategy.FAST),
}


@pytest.mark.parametrize(("world", "strategy"), PLANS.values(), ids=PLANS)
def test_it_counts_the_first_round(world: World, strategy: Strategy) -> None:
    """Of a clean image that is one inference for all of it, and one for each band."""
    its = scene(world) if strategy is Strategy.FULL else scene(world).fast()
    first = advance(its.search(its.clean[0], its.defence()))
    assert isinstance(first, Probe)
    assert expected_inferences(1000, its.plan) == round(1000 * len(first.images) * MORE)
