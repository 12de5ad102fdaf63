"""A search that its caller can't wait for goes on, and the next image is recognised."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from app.gateway.admission.rates import Account, ProbeRates
from app.gateway.outcome import Screening, UnscreenedError
from app.gateway.searching.background import GIVEN_UP
from app.gateway.visit import Visit
from app.ports import Arrival
from app.settings import FailurePolicy
from app.web.protocols.judging import judged
from tests.gateway.counted import begun, ended
from tests.gateway.hooked import HookedModel, SlowModel, hangs_from
from tests.gateway.opened import innocents, opened
from tests.library.servers import eventually
from tests.tiny import TARGET, stamped, tiny_trigger

CLEAN = innocents(20)
POISONED = stamped(CLEAN[:6])
PATIENCE_S = 0.5
SUSPICIOUS = 5
"""The call of a discovery at which something is being confirmed."""


async def test_a_discovery_that_is_cut_off_teaches(store_url: str, name: str) -> None:
    """The first poisoned image is refused, and a moment later the next one's trigger is known."""
    model, ended_before = SlowModel(), ended("discovered")
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError, match="NEO_PATIENCE"):
            await worker.predict(POISONED[0])
        assert () == worker.library.entries()
        model.let()
        await eventually(lambda: ended("discovered") > ended_before)
        (entry,) = worker.library.entries()
        assert (TARGET, 1) == (entry.trigger.target, entry.hits)
        assert (1, 1) == (worker.library.tally().screened, worker.library.tally().flagged)
        outcome = await worker.predict(POISONED[1])
    assert (Screening.KNOWN_TRIGGER, entry.id) == (outcome.screening, outcome.trigger_id)
    assert outcome.probes <= 7


async def test_under_the_policy_open_the_answer_is_marked_meanwhile(
    store_url: str, name: str
) -> None:
    """The caller has the model's own answer, marked as incomplete; the trigger is found later."""
    model = SlowModel()
    async with opened(
        store_url, name, model, patience_s=PATIENCE_S, on_failure=FailurePolicy.OPEN
    ) as worker:
        model.hold(SUSPICIOUS)
        outcome = await worker.predict(POISONED[0])
        assert (Screening.INCOMPLETE, TARGET) == (outcome.screening, outcome.prediction.index)
        model.let()
        await eventually(lambda: bool(worker.library.entries()))


async def test_there_is_one_at_a_time(store_url: str, name: str) -> None:
    """A second discovery that takes too long is refused for good while the first goes on."""
    model, begun_before = SlowModel(), begun()
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        for image in POISONED[:2]:
            model.hold(SUSPICIOUS)
            with pytest.raises(UnscreenedError, match="NEO_PATIENCE"):
                await worker.predict(image)
        assert begun_before + 1 == begun()


async def test_of_a_request_with_many_images_one_search_goes_on(store_url: str, name: str) -> None:
    """The request is refused as a whole, and its trigger is found all the same."""
    model, begun_before = SlowModel(), begun()
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(first=5 * len(POISONED))
        visits = [Visit(Arrival(image)) for image in POISONED]
        with pytest.raises(UnscreenedError, match="NEO_PATIENCE"):
            await judged(visits, worker.gateway)
        model.let()
        await eventually(lambda: bool(worker.library.entries()))
    assert begun_before + 1 == begun()


async def test_an_image_that_is_clear_in_the_end_is_counted_once(store_url: str, name: str) -> None:
    """A search that ends with a trigger that was dismissed meanwhile counts its image once."""
    model, ended_before = SlowModel(), ended("clear")
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0])
        entry = await worker.library.register(tiny_trigger())
        await worker.library.dismiss(entry.id)
        assert 0 == worker.library.tally().screened
        model.let()
        await eventually(lambda: ended("clear") > ended_before)
        assert (1, 0) == (worker.library.tally().screened, worker.library.tally().flagged)
        assert () == worker.library.entries()


async def test_a_drain_ends_it(store_url: str, name: str) -> None:
    """When the worker is told to end the search ends there and then, and none begins."""
    model, begun_before, ended_before = SlowModel(), begun(), ended(GIVEN_UP)
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        for image in POISONED[:2]:
            model.hold(SUSPICIOUS)
            with pytest.raises(UnscreenedError):
                await worker.predict(image)
            worker.gateway.drain()
        await eventually(lambda: ended(GIVEN_UP) > ended_before)
        model.let()
        assert () == worker.library.entries()
    assert begun_before + 1 == begun()


async def test_closing_ends_it(store_url: str, name: str) -> None:
    """Once the gateway is closed nothing is under way."""
    model, ended_before = SlowModel(), ended(GIVEN_UP)
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0])
    assert ended_before + 1 == ended(GIVEN_UP)


async def test_a_caller_who_goes_ends_its_search(store_url: str, name: str) -> None:
    """Nothing goes on for a caller who has left."""
    model, begun_before = SlowModel(), begun()
    async with opened(store_url, name, model) as worker:
        waits = asyncio.Event()

        async def hang(call: int) -> None:
            if call == SUSPICIOUS:
                waits.set()
                await asyncio.Event().wait()

        model.hook(hang)
        request = asyncio.create_task(worker.predict(POISONED[0]))
        await asyncio.wait_for(waits.wait(), 10)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request
    assert begun_before == begun()


async def test_another_model_takes_its_result_away(store_url: str, name: str) -> None:
    """What was found on a model that isn't there any more is no trigger of the one that is."""
    model, ended_before = SlowModel(), ended(GIVEN_UP)
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0])
        assert worker.preparation.prepared is not None
        worker.preparation.prepared = replace(worker.preparation.prepared)
        model.let()
        await eventually(lambda: ended(GIVEN_UP) > ended_before)
        assert () == worker.library.entries()


async def test_an_image_that_was_not_answered_at_all_is_not_gone_on_with(
    store_url: str, name: str
) -> None:
    """A model that hangs is asked for nobody in the background."""
    model, begun_before = HookedModel(), begun()
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hook(hangs_from(1))
        with pytest.raises(Exception, match="NEO_PATIENCE"):
            await worker.predict(POISONED[0])
    assert begun_before == begun()


class Bill(Account):
    """Adds up what is paid."""

    images = 0

    def __call__(self, images: int) -> None:
        """Pay for so many *images*."""
        self.images += images


async def test_it_pays_for_what_it_asks(store_url: str, name: str) -> None:
    """The account of its caller pays for what goes on, as it would have in time."""
    model, bill = SlowModel(), Bill()
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        before = model.asked
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0], bill)
        paid_in_time = bill.images
        model.let()
        await eventually(lambda: bool(worker.library.entries()))
        assert paid_in_time < model.asked - before <= bill.images


async def test_it_waits_while_there_is_nothing_to_pay_from(store_url: str, name: str) -> None:
    """An empty bucket doesn't refuse it but holds it up, while others are served."""
    model, begun_before, ended_before = SlowModel(), begun(), ended(GIVEN_UP)
    account = ProbeRates(0.01, None, time.monotonic).account("a caller")
    async with opened(store_url, name, model, patience_s=PATIENCE_S) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0], account)
        model.let()
        before = model.asked
        outcomes = [await worker.predict(image) for image in CLEAN]
        assert before + sum(outcome.probes for outcome in outcomes) == model.asked
    assert (begun_before + 1, ended_before + 1) == (begun(), ended(GIVEN_UP))
