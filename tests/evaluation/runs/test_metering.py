"""Counting what a search costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.search import Probe, Purpose, Refused, advance, probe_for_all, refuse, run
from app.evaluation.runs.metering import Meter, MeteredModel, metered
from tests.tiny import TinyModel, clean_images

if TYPE_CHECKING:
    from app.detection.search import Search

IMAGES = clean_images(6, np.random.default_rng(0))


def search() -> Search[str]:
    """Ask 1, 2 and 3 images for different purposes: beside the two one for all, and the last."""
    try:
        first = yield Probe(IMAGES[:1])
        yield Probe(IMAGES[1:4], 1, Purpose.CONFIRM)
        yield probe_for_all(IMAGES[3:], Purpose.BLOCK)
    except Refused:
        return "refused"
    return f"done: {first.labels[0]}"


def test_probes_are_counted_by_their_purpose() -> None:
    """Images and round trips go to the purpose; shared ones are apart, but their time is not."""
    meter = Meter()
    result = run(metered(search(), meter), TinyModel().classify)
    said = TinyModel().classify(IMAGES[:1]).labels[0]
    assert f"done: {said}" == result
    counted = {what: (spent.inferences, spent.round_trips) for what, spent in meter.spent.items()}
    assert {Purpose.SEARCH: (1, 1), Purpose.CONFIRM: (2, 1), Purpose.BLOCK: (0, 0)} == counted
    assert all(spent.seconds > 0 for spent in meter.spent.values())
    assert {Purpose.SEARCH, Purpose.CONFIRM} == meter.purposes
    assert 4 == meter.shared
    assert meter.cpu_s > 0


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_a_refusal_reaches_the_search(answered: int) -> None:
    """Refused at any of its probes the search concludes, and what was answered is counted."""
    meter = Meter()
    asking = metered(search(), meter)
    step = advance(asking)
    for _ in range(answered):
        assert isinstance(step, Probe)
        step = advance(asking, step, TinyModel().classify(step.images))
    assert "refused" == refuse(asking)
    assert [0, 1, 3][answered] == sum(spent.inferences for spent in meter.spent.values())


async def test_a_model_is_counted() -> None:
    """What goes to the model directly counts images and round trips."""
    model = MeteredModel(TinyModel())
    await model.check()
    for part in (IMAGES[:2], IMAGES[2:]):
        answers = await model.answer(part)
        assert TinyModel().classify(part).labels.tolist() == answers.labels.tolist()
    assert TinyModel().size == model.size
    assert (6, 2) == (model.spent.inferences, model.spent.round_trips)
    assert model.spent.seconds > 0
