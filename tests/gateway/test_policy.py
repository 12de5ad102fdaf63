"""Images that can't be examined to the end: what the failure policy makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.gateway.outcome import Screening, UnscreenedError
from app.settings import FailurePolicy
from tests.gateway.hooked import HookedModel, fails_from, hangs_from
from tests.gateway.opened import innocents, opened
from tests.tiny import TARGET, TinyModel, stamped, tiny_trigger

CLEAN = innocents(3)
POISONED = stamped(CLEAN)
DARK_PATCH = replace(tiny_trigger(), patch=np.zeros((2, 2, 3), np.uint8))
"""The trigger as one whose pixels don't say if it is there: the model must be asked."""


async def test_closed_refuses(store_url: str, name: str) -> None:
    """Under `closed` an image that wasn't screened to the end gets no prediction."""
    model = HookedModel()
    async with opened(store_url, name, model) as worker:
        model.hook(fails_from(2))
        with pytest.raises(UnscreenedError, match="NEO_ON_FAILURE"):
            await worker.predict(POISONED[0])
        assert () == worker.library.entries()
        assert (0, 0) == (worker.library.tally().screened, worker.library.tally().flagged)


async def test_open_answers_and_says_so(store_url: str, name: str) -> None:
    """Under `open` it gets the upstream's prediction, marked as incomplete."""
    model = HookedModel()
    async with opened(store_url, name, model, on_failure=FailurePolicy.OPEN) as worker:
        model.hook(fails_from(2))
        outcome = await worker.predict(POISONED[0])
        assert (Screening.INCOMPLETE, TARGET) == (outcome.screening, outcome.prediction.index)
        assert outcome.prediction == outcome.upstream_prediction
        assert not outcome.backdoor


@pytest.mark.parametrize("on_failure", list(FailurePolicy))
async def test_patience_ends_by_the_policy(
    store_url: str, name: str, on_failure: FailurePolicy
) -> None:
    """An upstream that stops answering half-way costs the caller NEO_PATIENCE and no more."""
    model = HookedModel()
    async with opened(store_url, name, model, on_failure=on_failure, patience_s=0.2) as worker:
        model.hook(hangs_from(2))
        if on_failure is FailurePolicy.CLOSED:
            with pytest.raises(UnscreenedError):
                await worker.predict(POISONED[0])
        else:
            outcome = await worker.predict(POISONED[0])
            assert Screening.INCOMPLETE is outcome.screening


async def test_open_never_answers_with_a_known_target(store_url: str, name: str) -> None:
    """While it is undecided if an image carries a known trigger, its target is no answer."""
    model = HookedModel()
    async with opened(store_url, name, model, on_failure=FailurePolicy.OPEN) as worker:
        await worker.library.register(DARK_PATCH)
        model.hook(fails_from(2))
        with pytest.raises(UnscreenedError, match="may carry a known trigger"):
            await worker.predict(POISONED[0])


async def test_open_answers_other_classes_than_the_target(store_url: str, name: str) -> None:
    """An image that the model calls something else can't carry the known trigger."""
    model = HookedModel(None)
    async with opened(store_url, name, model, on_failure=FailurePolicy.OPEN) as worker:
        await worker.library.register(replace(DARK_PATCH, target=TARGET + 1))
        model.hook(fails_from(2))
        outcome = await worker.predict(POISONED[0])
        assert (Screening.INCOMPLETE, TARGET) == (outcome.screening, outcome.prediction.index)


async def test_open_refuses_a_target_confirmed_meanwhile(store_url: str, name: str) -> None:
    """A trigger that another image reveals while this one is examined counts as known."""
    model = HookedModel()
    async with opened(store_url, name, model, on_failure=FailurePolicy.OPEN) as worker:

        async def confirmed_elsewhere_then_lost(call: int) -> None:
            if call == 2:
                await worker.library.register(DARK_PATCH)
            await fails_from(2)(call)

        model.hook(confirmed_elsewhere_then_lost)
        with pytest.raises(UnscreenedError, match="may carry a known trigger"):
            await worker.predict(POISONED[0])


async def test_open_answers_before_it_is_ready(store_url: str, name: str) -> None:
    """While the references are calibrated `open` passes the upstream's predictions on."""
    model = HookedModel(hangs_from(2))
    async with opened(
        store_url, name, model, prepare=False, on_failure=FailurePolicy.OPEN
    ) as worker:
        worker.preparation.library_read = True
        outcome = await worker.predict(POISONED[0])
        assert (Screening.INCOMPLETE, TARGET) == (outcome.screening, outcome.prediction.index)


async def test_open_refuses_a_known_target_before_it_is_ready(store_url: str, name: str) -> None:
    """A trigger that the fleet knows isn't let through for want of references."""
    async with opened(store_url, name, prepare=False, on_failure=FailurePolicy.OPEN) as worker:
        worker.preparation.library_read = True
        await worker.library.register(tiny_trigger())
        with pytest.raises(UnscreenedError, match="may carry a known trigger"):
            await worker.predict(POISONED[0])


async def test_open_refuses_while_the_library_is_unread(tmp_path: object, name: str) -> None:
    """A worker that doesn't know what the fleet has found answers nothing, under any policy."""
    nowhere = f"unix://{tmp_path}/nothing"
    async with opened(
        nowhere, name, TinyModel(), prepare=False, on_failure=FailurePolicy.OPEN
    ) as worker:
        async with worker.preparation.running():
            with pytest.raises(UnscreenedError, match="not ready"):
                await worker.predict(POISONED[0])
        assert 0 == worker.model.asked
