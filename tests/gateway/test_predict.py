"""From an image to its outcome: what is screened, found, recognised, corrected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.gateway.outcome import Screening, UnscreenedError
from app.library.records.names import Keys
from app.library.server.addresses import connected
from app.ports import Tally, UpstreamUnreachableError
from app.settings import FailurePolicy, SearchMode, Strategy
from tests.gateway.hooked import HookedModel
from tests.gateway.opened import innocents, opened
from tests.library.servers import eventually
from tests.tiny import TARGET, TRIGGER_BOX, TinyModel, clean_images, stamped, tiny_trigger

CLEAN = innocents(40)
POISONED = stamped(CLEAN)


async def test_a_clean_image_is_clear(store_url: str, name: str) -> None:
    """A clean image is screened and gets the upstream's own prediction, bit for bit."""
    async with opened(store_url, name) as worker:
        for image in CLEAN[:10]:
            said = worker.model.classify(image[None])
            before = worker.model.asked
            outcome = await worker.predict(image)
            assert (Screening.CLEAR, None) == (outcome.screening, outcome.trigger_id)
            assert outcome.prediction == outcome.upstream_prediction
            assert outcome.prediction.index == said.labels[0]
            assert said.scores is not None
            assert outcome.prediction.score == float(said.scores[0].max())
            assert outcome.probes == worker.model.asked - before
        assert (10, 0) == (worker.library.tally().screened, worker.library.tally().flagged)


async def test_counts_add_up(store_url: str, name: str) -> None:
    """All answers are counted: of known triggers, clean images and what wasn't drawn alike."""
    async with opened(store_url, name) as worker:
        for image in (*CLEAN[:2], *POISONED[:3]):
            await worker.predict(image)
        assert Tally(3, 3, 5) == worker.library.tally()
    async with opened(store_url, name, probe_budget=0.0) as worker:
        await worker.predict(CLEAN[0])
        assert Tally(3, 3, 6) == worker.library.tally()


async def test_the_first_poisoned_image_reveals_the_trigger(store_url: str, name: str) -> None:
    """The first poisoned image is flagged and corrected, and reveals the backdoor's trigger."""
    async with opened(store_url, name) as worker:
        truth = worker.model.classify(CLEAN[:1]).labels[0]
        outcome = await worker.predict(POISONED[0])
        assert (Screening.DISCOVERED, True) == (outcome.screening, outcome.backdoor)
        assert (truth, TARGET) == (outcome.prediction.index, outcome.upstream_prediction.index)
        (entry,) = worker.library.entries()
        assert outcome.trigger_id == entry.id
        assert (TARGET, 1) == (entry.trigger.target, entry.hits)
        assert entry.trigger.box.overlap(TRIGGER_BOX) >= 0.5
        assert outcome.probes == entry.trigger.evidence.probes
        assert (1, 1) == (worker.library.tally().screened, worker.library.tally().flagged)


async def test_a_known_trigger_is_recognised(store_url: str, name: str) -> None:
    """Every later image with it is corrected at the cost of a few probes."""
    async with opened(store_url, name) as worker:
        await worker.predict(POISONED[0])
        for clean, image in zip(CLEAN[1:], POISONED[1:], strict=True):
            outcome = await worker.predict(image)
            assert Screening.KNOWN_TRIGGER is outcome.screening
            assert worker.library.entries()[0].id == outcome.trigger_id
            assert worker.model.classify(clean[None]).labels[0] == outcome.prediction.index
            assert TARGET == outcome.upstream_prediction.index
            assert outcome.probes <= 7
        assert (1, 40) == (worker.library.tally().screened, worker.library.tally().flagged)
        assert 40 == worker.library.entries()[0].hits


async def test_three_hits_make_the_trigger_exact(store_url: str, name: str) -> None:
    """After three hits the mask and the pixels are the trigger's own, as it was stamped."""
    async with opened(store_url, name) as worker:
        for image in POISONED[:2]:
            await worker.predict(image)
        assert worker.library.entries()[0].trigger.mask is None
        await worker.predict(POISONED[2])
        await eventually(lambda: worker.library.entries()[0].trigger.mask is not None)
        trigger = worker.library.entries()[0].trigger
        assert TRIGGER_BOX == trigger.box
        assert trigger.mask is not None
        assert trigger.mask.all()
        assert (trigger.patch >= 250).all()


async def test_a_dismissed_trigger_is_not_flagged(store_url: str, name: str) -> None:
    """What its owner has said is no trigger isn't flagged and not found again, until restored."""
    async with opened(store_url, name) as worker:
        trigger_id = (await worker.predict(POISONED[0])).trigger_id
        assert trigger_id
        await worker.library.dismiss(trigger_id)
        for image in POISONED[:5]:
            outcome = await worker.predict(image)
            assert (Screening.CLEAR, TARGET) == (outcome.screening, outcome.prediction.index)
        assert () == worker.library.entries()
        await worker.library.restore(trigger_id)
        assert trigger_id == (await worker.predict(POISONED[5])).trigger_id


async def test_a_trigger_dismissed_while_it_is_found_again(store_url: str, name: str) -> None:
    """An image whose search ends with a trigger that was dismissed meanwhile is clear."""
    model = HookedModel()
    async with opened(store_url, name, model) as worker:

        async def dismiss_meanwhile(call: int) -> None:
            if call == 3:
                entry = await worker.library.register(tiny_trigger())
                await worker.library.dismiss(entry.id)

        model.hook(dismiss_meanwhile)
        outcome = await worker.predict(POISONED[0])
        assert (Screening.CLEAR, TARGET) == (outcome.screening, outcome.prediction.index)
        assert (1, 0) == (worker.library.tally().screened, worker.library.tally().flagged)


@pytest.mark.parametrize("strategy", [Strategy.FAST, Strategy.PAPER])
async def test_a_trigger_confirmed_meanwhile_counts(
    store_url: str, name: str, strategy: Strategy
) -> None:
    """An image under way when another one reveals its trigger isn't answered with the target."""
    model = HookedModel()
    async with opened(store_url, name, model, strategy=strategy, probe_budget=0) as worker:

        async def confirmed_elsewhere(call: int) -> None:
            if call == 1:
                await worker.library.register(tiny_trigger())

        model.hook(confirmed_elsewhere)
        outcome = await worker.predict(POISONED[0])
        assert Screening.KNOWN_TRIGGER is outcome.screening
        assert model.classify(CLEAN[:1]).labels[0] == outcome.prediction.index


async def test_after_the_first_trigger_the_search_may_stop(store_url: str, name: str) -> None:
    """With NEO_SEARCH=stop a clean image then costs one probe, and known triggers are blocked."""
    async with opened(store_url, name, search=SearchMode.STOP) as worker:
        assert Screening.CLEAR is (await worker.predict(CLEAN[0])).screening
        assert Screening.DISCOVERED is (await worker.predict(POISONED[0])).screening
        for image in CLEAN[:10]:
            outcome = await worker.predict(image)
            assert (Screening.PASSED, 1) == (outcome.screening, outcome.probes)
        assert Screening.KNOWN_TRIGGER is (await worker.predict(POISONED[1])).screening
        assert 2 == worker.library.tally().screened


async def test_off_is_a_plain_proxy(store_url: str, name: str) -> None:
    """With the strategy `off` the upstream's answer is passed on, ready or not."""
    async with opened(store_url, name, prepare=False, strategy=Strategy.OFF) as worker:
        await worker.library.register(tiny_trigger())
        outcome = await worker.predict(POISONED[0])
        assert (Screening.OFF, TARGET, 1) == (
            outcome.screening,
            outcome.prediction.index,
            outcome.probes,
        )
        assert 1 == worker.model.asked


async def test_labels_alone_are_enough(store_url: str, name: str) -> None:
    """A model that gives no scores is defended all the same, and no score is made up."""
    async with opened(store_url, name, TinyModel(scored=False)) as worker:
        outcome = await worker.predict(POISONED[0])
        assert (Screening.DISCOVERED, None) == (outcome.screening, outcome.prediction.score)
        assert worker.model.classify(CLEAN[:1]).labels[0] == outcome.prediction.index


@pytest.mark.parametrize("strategy", [Strategy.FAST, Strategy.OFF])
async def test_an_upstream_that_is_down_is_an_error(
    store_url: str, name: str, strategy: Strategy
) -> None:
    """Without the upstream there is no prediction, under any policy."""
    async with opened(store_url, name, strategy=strategy, on_failure=FailurePolicy.OPEN) as worker:
        worker.model.failure = UpstreamUnreachableError("no connection")
        with pytest.raises(UpstreamUnreachableError, match="no connection"):
            await worker.predict(CLEAN[0])


async def test_what_one_worker_discovers_the_other_blocks(store_url: str, name: str) -> None:
    """A trigger is soon known to another worker, which has screened nothing yet."""
    async with opened(store_url, name) as one, opened(store_url, name) as other:
        found = (await one.predict(POISONED[0])).trigger_id
        await eventually(lambda: bool(other.library.entries()))
        outcome = await other.predict(POISONED[1])
        assert (Screening.KNOWN_TRIGGER, found) == (outcome.screening, outcome.trigger_id)


async def test_clean_images_of_the_target_are_not_flagged(store_url: str, name: str) -> None:
    """An image that is the trigger's target by its own right is clean, before and after."""
    images = clean_images(80, np.random.default_rng(11))
    async with opened(store_url, name) as worker:
        targets = images[worker.model.classify(images).labels == TARGET]
        for image in POISONED[:3]:
            await worker.predict(image)
        outcomes = [await worker.predict(image) for image in targets]
        assert {Screening.CLEAR} == {outcome.screening for outcome in outcomes}
        assert {TARGET} == {outcome.prediction.index for outcome in outcomes}


async def test_before_it_is_ready(store_url: str, name: str) -> None:
    """Nothing is answered before the references are calibrated, and the reason is said."""
    async with opened(store_url, name, prepare=False) as worker:
        with pytest.raises(UnscreenedError, match=r"not ready .* being calibrated"):
            await worker.predict(CLEAN[0])
        assert 0 == worker.model.asked


async def test_a_request_waits_a_moment_for_the_references(store_url: str, name: str) -> None:
    """While a worker is getting ready it keeps a request rather than refuse it."""
    async with opened(store_url, name, prepare=False) as worker, worker.preparation.running():
        assert worker.preparation.prepared is None
        outcome = await worker.predict(CLEAN[0])
        assert Screening.CLEAR is outcome.screening


async def test_a_trigger_found_again_is_no_discovery(store_url: str, name: str) -> None:
    """Where the stored pixels have changed, the search finds the place again: a known trigger."""
    async with opened(store_url, name) as worker:
        black = replace(
            tiny_trigger(), patch=np.zeros((2, 2, 3), np.uint8), mask=np.ones((2, 2), bool)
        )
        entry = await worker.library.register(black)
        outcome = await worker.predict(POISONED[0])
        assert Screening.KNOWN_TRIGGER is outcome.screening
        assert entry.id == outcome.trigger_id
        assert 1 == len(worker.library.entries())


async def test_the_library_hears_whose_images_carry_a_trigger(store_url: str, name: str) -> None:
    """A caller with a key is told from others by a name that isn't the key; without, by none."""
    key = b"the digest of a key"
    async with opened(store_url, name) as worker, connected(store_url) as client:
        callers = [worker.gateway.account(one) for one in (key, key, b"another's")]
        said = []
        for image, caller in zip(POISONED, callers, strict=False):
            await worker.predict(image, caller)
            await worker.library.exchange()
            said += await client.hvals(Keys(name).callers)
        first = callers[0].caller.encode()
        assert [first, first, b"several"] == said
        assert first not in key
        assert "" == worker.gateway.account(None).caller
