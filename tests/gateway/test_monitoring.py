"""Monitor mode: the answer is the model's own, and what `enforce` would have done is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.detection.search import Answers
from app.gateway import monitoring
from app.gateway.admission.rates import FREE, Account
from app.gateway.outcome import Monitored, Outcome, Screening, UnscreenedError
from app.gateway.outputs import sanitised_outputs
from app.gateway.policy import prediction
from app.gateway.visit import Visit
from app.ports import Arrival, Tally, UpstreamUnreachableError
from app.settings import FailurePolicy, Mode, Strategy
from tests.gateway.hooked import HookedModel, SlowModel, fails_from
from tests.gateway.opened import innocents, opened
from tests.library.servers import eventually
from tests.tiny import TARGET, TinyModel, stamped, tiny_trigger

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from app.detection.search import Image
    from tests.gateway.opened import Opened

CLEAN = innocents(4)
POISONED = stamped(CLEAN)
RIGHT = TinyModel().classify(CLEAN).labels


def monitoring_at(
    url: str, name: str, *args: Any, **more: Any
) -> AbstractAsyncContextManager[Opened]:
    """Open a gateway in monitor mode."""
    return opened(url, name, *args, mode=Mode.MONITOR, **more)


async def asked(
    worker: Opened, image: Image, wait_s: float | None = None, pay: Account = FREE
) -> Monitored:
    """Ask for *image*; wait for the verdict unless told otherwise."""
    outcome = await worker.gateway.predict(Visit(Arrival(image), pay, wait_s=wait_s))
    assert isinstance(outcome, Monitored)
    return outcome


def counted(would: str) -> float:
    """Return how many images `enforce` *would* have done that with."""
    return REGISTRY.get_sample_value("neo_monitored_total", {"would": would}) or 0.0


async def test_the_answer_does_not_wait(store_url: str, name: str) -> None:
    """It is out while the search has just begun; behind it the trigger is found all the same."""
    model, corrected = SlowModel(), counted("correct")
    async with monitoring_at(store_url, name, model) as worker:
        model.hold(2)
        outcome = await asked(worker, POISONED[0], wait_s=0)
        assert (TARGET, Screening.PENDING) == (outcome.prediction.index, outcome.screening)
        assert (False, None) == (outcome.backdoor, outcome.would_answer)
        model.let()
        await eventually(lambda: counted("correct") > corrected)
        (entry,) = worker.library.entries()
        assert (TARGET, 1) == (entry.trigger.target, entry.hits)
        assert Tally(1, 1, 1) == worker.library.tally()


async def test_who_waits_is_told_what_enforcing_would_do(store_url: str, name: str) -> None:
    """The verdict is that of `enforce`, and the answer the model's own all the same."""
    async with opened(store_url, name) as worker:
        enforced: list[Outcome] = [await worker.predict(one) for one in (POISONED[0], CLEAN[1])]
    async with monitoring_at(store_url, f"{name}-2") as worker:
        told = [await asked(worker, image) for image in (POISONED[0], CLEAN[1])]
    for one, other in zip(enforced, told, strict=True):
        assert other.upstream_prediction == other.prediction
        assert (one.prediction, one.screening) == (other.would_answer, other.screening)
        assert one.backdoor is other.backdoor
    assert [TARGET, RIGHT[1]] == [one.prediction.index for one in told]


async def test_nobody_waits_longer_than_they_said(store_url: str, name: str) -> None:
    """A caller with little time is answered without the verdict."""
    model = SlowModel()
    async with monitoring_at(store_url, name, model) as worker:
        model.hold(2)
        outcome = await asked(worker, POISONED[0], wait_s=0.01)
        assert (TARGET, Screening.PENDING) == (outcome.prediction.index, outcome.screening)


async def test_what_the_model_has_said_is_not_asked_again(store_url: str, name: str) -> None:
    """An image that isn't screened for new triggers costs the one inference of its answer."""
    async with monitoring_at(store_url, name, probe_budget=0.0) as worker:
        before = worker.model.asked
        outcome = await asked(worker, CLEAN[0])
        assert (Screening.PASSED, 1) == (outcome.screening, worker.model.asked - before)


@pytest.mark.parametrize("on_failure", list(FailurePolicy))
async def test_a_screening_that_fails(store_url: str, name: str, on_failure: FailurePolicy) -> None:
    """Its image is answered; `enforce` would have refused, or passed it on by the policy `open`."""
    model, refused = HookedModel(), counted("refuse")
    async with monitoring_at(store_url, name, model, on_failure=on_failure) as worker:
        model.hook(fails_from(3))
        outcome = await asked(worker, POISONED[0])
    assert (TARGET, Screening.INCOMPLETE) == (outcome.prediction.index, outcome.screening)
    refuses = on_failure is FailurePolicy.CLOSED
    assert (None if refuses else outcome.prediction) == outcome.would_answer
    assert refused + refuses == counted("refuse")


async def test_outputs_that_cannot_be_corrected_come_as_they_are() -> None:
    """Where `enforce` could give no output that tells another class, the model's own are given."""
    said = TinyModel().classify(POISONED[:1])
    said = replace(said, outputs={"embedding": np.array([[0.5, 0.25]], np.float32)})
    healed = Answers(np.array([int(RIGHT[0])]))  # no blocked image was answered so

    async def judge(visit: Visit) -> Outcome:
        assert visit.said is said
        outputs = partial(sanitised_outputs, said, healed)
        return Outcome(
            prediction(healed), prediction(said), Screening.KNOWN_TRIGGER, "t-1", 6, outputs
        )

    with pytest.raises(UnscreenedError, match="can't be corrected"):
        sanitised_outputs(said, healed)
    visit = Visit(Arrival(POISONED[0]), wait_s=None)
    outcome = await monitoring.Monitor(judge).answer(visit, said)
    assert (TARGET, True) == (outcome.prediction.index, outcome.backdoor)
    assert said.outputs == outcome.outputs(None)
    assert outcome.would_answer == prediction(healed)


async def test_a_fault_of_ours_behind_an_answer(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It harms no answer, and is in the log."""
    async with monitoring_at(store_url, name) as worker:
        worker.preparation.doubt = worker.preparation.soon = None  # type: ignore[method-assign,assignment]
        outcome = await asked(worker, POISONED[0])
    assert (TARGET, Screening.INCOMPLETE) == (outcome.prediction.index, outcome.screening)
    assert "behind its answer failed" in caplog.text


async def test_before_the_references_are_calibrated(store_url: str, name: str) -> None:
    """Images are answered from the start, by a worker that counts as ready."""
    async with monitoring_at(store_url, name, prepare=False) as worker:
        outcome = await asked(worker, POISONED[0])
        assert (TARGET, Screening.INCOMPLETE) == (outcome.prediction.index, outcome.screening)
        readiness = await worker.gateway.readiness()
        assert (True, True) == (readiness.ready, readiness.degraded)
        assert worker.gateway.prepared


async def test_errors_stay_errors(store_url: str, name: str) -> None:
    """What the model doesn't answer nobody does."""
    async with monitoring_at(store_url, name) as worker:
        worker.model.failure = UpstreamUnreachableError("no connection")
        with pytest.raises(UpstreamUnreachableError):
            await asked(worker, POISONED[0])


async def test_over_its_rate_a_caller_is_answered_unscreened(store_url: str, name: str) -> None:
    """The image alone is asked, on nobody's account; `enforce` would have refused."""
    refused = counted("refuse")
    async with monitoring_at(store_url, name, probe_rate=0.1) as worker:
        await asked(worker, POISONED[0], pay=worker.gateway.account(None))
        before = worker.model.asked
        outcome = await asked(worker, POISONED[1], pay=worker.gateway.account(None))
        assert (TARGET, Screening.INCOMPLETE) == (outcome.prediction.index, outcome.screening)
        assert before + 1 == worker.model.asked
    assert refused + 1 == counted("refuse")


async def test_too_many_behind_answers_are_dropped_and_told(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound an image is answered unscreened, unless its caller waits."""
    monkeypatch.setattr(monitoring, "MOST_BEHIND", 1)
    model, unknown = SlowModel(), counted("unknown")
    async with monitoring_at(store_url, name, model) as worker:
        await worker.library.register(tiny_trigger())
        model.hold(2)
        first = await asked(worker, POISONED[0], wait_s=0)
        model.hold(2)
        second = await asked(worker, POISONED[1], wait_s=0)
        assert [Screening.PENDING, Screening.INCOMPLETE] == [first.screening, second.screening]
        assert unknown + 1 == counted("unknown")
        assert 1 == worker.library.tally().answered
        note = (await worker.gateway.readiness()).parts[-1].note or ""
        assert "1 images" in note
        waiting = asyncio.create_task(asked(worker, POISONED[2]))
        model.let()
        assert Screening.KNOWN_TRIGGER is (await waiting).screening


async def test_who_waits_no_longer_leaves_no_more_behind_than_fits(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of waiting doesn't buy ten seconds of screening beside all others."""
    model, unknown = SlowModel(), counted("unknown")
    async with monitoring_at(store_url, name, model) as worker:
        monkeypatch.setattr(monitoring, "MOST_BEHIND", 1)
        model.hold(2)
        outcome = await asked(worker, POISONED[0], wait_s=0.01)
        assert (TARGET, Screening.PENDING) == (outcome.prediction.index, outcome.screening)
        await eventually(lambda: counted("unknown") > unknown)


async def test_who_waits_no_longer_takes_a_place_behind(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many say that they wait for a moment, no more is searched at the same time."""
    monkeypatch.setattr(monitoring, "TOGETHER", 1)
    model, unknown, corrected = SlowModel(), counted("unknown"), counted("correct")
    async with monitoring_at(store_url, name, model) as worker:
        for image in POISONED[:2]:
            model.hold(2)
            outcome = await asked(worker, image, wait_s=0.01)
            assert Screening.PENDING is outcome.screening
        await eventually(lambda: counted("unknown") == unknown + 1)
        model.let()
        await eventually(lambda: counted("correct") == corrected + 1)


async def test_what_goes_on_ends_with_the_worker(store_url: str, name: str) -> None:
    """When it is told to end, nothing is asked any more for images that are answered."""
    model, unknown = SlowModel(), counted("unknown")
    async with monitoring_at(store_url, name, model) as worker:
        model.hold(2)
        await asked(worker, POISONED[0], wait_s=0)
        worker.gateway.drain()
        await eventually(lambda: counted("unknown") > unknown)
        model.let()
        late = await asked(worker, POISONED[1])
        assert (TARGET, Screening.INCOMPLETE) == (late.prediction.index, late.screening)


async def test_a_plain_proxy_has_nothing_to_monitor(store_url: str, name: str) -> None:
    """With `NEO_STRATEGY=off` the mode changes nothing."""
    async with monitoring_at(store_url, name, strategy=Strategy.OFF) as worker:
        outcome = await worker.predict(POISONED[0])
    assert (Screening.OFF, False) == (outcome.screening, isinstance(outcome, Monitored))
