"""The second opinion at the gateway: suspicious images are told of, and their answers stay."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.detection.blended.noting import ENOUGH
from app.detection.second_opinion.lens import LAID
from app.detection.trigger import Kind as TriggerKind
from app.events import Kind
from app.gateway.outcome import Monitored, Screening
from app.gateway.visit import Visit
from app.ports import Arrival, Tally
from app.settings import Mode, Strategy
from tests.blended import BlendedModel, blended
from tests.gateway.opened import opened
from tests.library.servers import eventually
from tests.striped import StripedModel, striped
from tests.tiny import SIDE, TARGET, clean_images

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from app.detection.search import Images
    from app.gateway.outcome import Outcome
    from app.ports import InputSize
    from tests.gateway.opened import Opened

REFERENCES = clean_images(300, np.random.default_rng(8))
CLEAN = clean_images(12, np.random.default_rng(31))
VICTIMS = striped(CLEAN[StripedModel().classify(CLEAN).labels != TARGET])


def references(_: InputSize) -> Images:
    """Return enough of them for a rate of a hundredth."""
    return REFERENCES


def asking_twice(
    url: str, name: str, rate: float | None = 0.01, **more: Any
) -> AbstractAsyncContextManager[Opened]:
    """Open a gateway that has a second opinion, before a model with a backdoor without a place."""
    return opened(url, name, StripedModel(), load=references, second_opinion=rate, **more)


@pytest.mark.parametrize("strategy", [Strategy.FULL, Strategy.FAST])
async def test_the_answer_stays(store_url: str, name: str, strategy: Strategy) -> None:
    """A striped image gets the model's own answer, is suspicious, and no backdoor."""
    async with asking_twice(store_url, name, strategy=strategy) as worker:
        for image in VICTIMS[:4]:
            outcome = await worker.predict(image)
            assert Screening.SUSPICIOUS is outcome.screening
            assert (TARGET, False) == (outcome.prediction.index, outcome.backdoor)
            assert outcome.prediction == outcome.upstream_prediction
        assert [] == list(worker.library.entries())
        told = worker.events.facts(Kind.IMAGE_SUSPICIOUS)
        assert [TARGET] * 4 == [facts["prediction"] for facts in told]
        assert Tally(4, 0, 4) == worker.library.tally()


async def test_a_clean_image_takes_no_more_rounds(store_url: str, name: str) -> None:
    """Its probes go with the image; without a second opinion there are none."""
    costs = []
    for rate in (0.01, None):
        async with asking_twice(store_url, f"{name}-{rate}", rate) as worker:
            outcomes = [await worker.predict(image) for image in CLEAN]
            assert all(one.screening in {Screening.CLEAR, Screening.SUSPICIOUS} for one in outcomes)
            costs.append(np.array([one.probes for one in outcomes]))
    assert {LAID} == set(costs[0] - costs[1])


async def test_monitor_mode_tells_it_too(store_url: str, name: str) -> None:
    """Who waits for the verdict hears of it; `enforce` would have answered the same."""
    async with asking_twice(store_url, name, mode=Mode.MONITOR) as worker:
        outcome: Outcome = await worker.gateway.predict(Visit(Arrival(VICTIMS[0]), wait_s=None))
    assert isinstance(outcome, Monitored)
    assert (Screening.SUSPICIOUS, False) == (outcome.screening, outcome.backdoor)
    assert outcome.prediction == outcome.would_answer


async def test_workers_agree(store_url: str, name: str) -> None:
    """What was measured is kept with the calibration: the second worker asks for none of it."""
    async with asking_twice(store_url, name) as one, asking_twice(store_url, name) as other:
        opinions = [
            worker.preparation.prepared.references.calibration.opinion
            for worker in (one, other)
            if worker.preparation.prepared is not None
        ]
        sums = [opinion.sums.tolist() for opinion in opinions if opinion is not None]
        assert sums[0] == sums[1]
        assert other.model.asked < len(REFERENCES) < one.model.asked


async def test_switched_on_later_it_is_measured(store_url: str, name: str) -> None:
    """A calibration that was kept without one isn't used."""
    for rate, there in ((None, False), (0.01, True), (None, False)):
        async with asking_twice(store_url, name, rate) as worker:
            assert worker.preparation.prepared is not None
            assert there is (worker.preparation.prepared.lens is not None)


def _varied(count: int, seed: int) -> Images:
    """Return clean images that differ from one another as pictures do: each has its own shapes."""
    rng = np.random.default_rng(seed)
    shapes = rng.normal(0, 25, (count, SIDE // 4, SIDE // 4, 1))
    shapes -= shapes.mean(axis=(1, 2, 3), keepdims=True)
    spread = shapes.repeat(4, axis=1).repeat(4, axis=2)
    varied: Images = np.clip(clean_images(count, rng) + spread, 0, 255).astype(np.uint8)
    return varied


@pytest.mark.slow
async def test_workers_pool_what_they_suspect(store_url: str, name: str) -> None:
    """Of a score of suspicious images each has seen the half: together they prove what it is."""
    model, clean = BlendedModel(), _varied(120, 3)
    poisoned = blended(clean[model.classify(clean).labels != TARGET])
    more: dict[str, Any] = {"load": lambda _: _varied(300, 4), "second_opinion": 0.01}
    async with (
        opened(store_url, name, model, **more) as one,
        opened(store_url, name, model, **more) as other,
    ):
        noted, found = {one: 0, other: 0}, False
        for worker, next_one, image in zip(
            cycle((one, other)), cycle((other, one)), poisoned, strict=False
        ):
            before = len(worker.gateway.suspects.entries())
            found = (await worker.predict(image)).backdoor
            if found:
                break
            noted[worker] += len(worker.gateway.suspects.entries()) - before
            count = len(worker.gateway.suspects.entries())
            await eventually(lambda: len(next_one.gateway.suspects.entries()) == count)  # noqa: B023
        assert found
        assert all(ENOUGH / 3 < count < ENOUGH - 1 for count in noted.values())


async def test_what_is_blended_is_found_and_known_to_all(store_url: str, name: str) -> None:
    """A score of suspicious images make a trigger; whichever worker gets the next takes it out."""
    model, clean = BlendedModel(), _varied(120, 3)
    poisoned = blended(clean[model.classify(clean).labels != TARGET])
    more: dict[str, Any] = {"load": lambda _: _varied(300, 4), "second_opinion": 0.01}
    async with (
        opened(store_url, name, model, **more) as one,
        opened(store_url, name, model, **more) as other,
        opened(store_url, name, model, probe_budget=0.0, **more) as sparing,
        opened(store_url, name, model, load=more["load"]) as single,
    ):
        before = []
        outcome = await one.predict(poisoned[0])
        for image in poisoned[1:]:
            if outcome.backdoor:
                break
            before.append(outcome.screening)
            outcome = await one.predict(image)
        assert before.count(Screening.SUSPICIOUS) >= ENOUGH - 1
        assert Screening.DISCOVERED is outcome.screening
        assert TARGET != outcome.prediction.index
        await eventually(lambda: len(other.library.entries()) == 1)
        for worker in (sparing, single):
            await eventually(lambda: len(worker.library.entries()) == 1)  # noqa: B023
        (entry,) = other.library.entries()
        assert Screening.KNOWN_TRIGGER is (await sparing.predict(poisoned[-3])).screening
        without_opinion = await single.predict(poisoned[-4])
        assert Screening.KNOWN_TRIGGER is without_opinion.screening
        assert TARGET != without_opinion.prediction.index
        assert Screening.CLEAR is (await single.predict(clean[0])).screening
        assert TriggerKind.BLENDED is entry.trigger.kind
        again = await other.predict(poisoned[-1])
        assert (Screening.KNOWN_TRIGGER, entry.id) == (again.screening, again.trigger_id)
        assert TARGET != again.prediction.index
        await other.library.dismiss(entry.id)
        assert Screening.SUSPICIOUS is (await other.predict(poisoned[-2])).screening
