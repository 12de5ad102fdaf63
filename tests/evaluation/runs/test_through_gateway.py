"""Streams through a real gateway on a real port."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.applications import Starlette

from app.detection.paper import Parameters
from app.detection.search import Purpose
from app.evaluation.records import NO_ANSWER
from app.evaluation.runs.streams import stream_with_first_poisoned_at
from app.evaluation.runs.through_gateway import GatewayTrial
from app.gateway.outcome import Screening
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.ports import UpstreamUnreachableError
from app.remote_gateway.gateway import GatewayError, RunningGateway
from app.settings import FailurePolicy, SearchMode, Strategy
from app.web.app import WebOptions, create_app
from tests.evaluation.tiny_subjects import WHITE, tiny_subject
from tests.gateway.hooked import HookedModel, fails_from
from tests.library.servers import wait_until
from tests.plain_http import ASK
from tests.served_apps import running
from tests.tiny import TARGET, TRIGGER_BOX, TinyModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SIZE = TinyModel().size
SUBJECT = tiny_subject()
STREAM = stream_with_first_poisoned_at(SUBJECT, seed=1, percentile=30, n=40)
FIRST = 12
POLICY = Policy(Strategy.FAST, SearchMode.CONTINUE, 30.0, FailurePolicy.CLOSED, None, Parameters())


@asynccontextmanager
async def gateway_before(model: TinyModel) -> AsyncIterator[Gateway]:
    """Run a gateway with a library of its own."""
    library = MemoryTriggerLibrary()
    preparation = Preparation(
        Calibrator(
            model,
            MemoryCalibrationStore(seed=3),
            lambda _: SUBJECT.references,
            identity="tiny",
            trigger_max=0.316,
        ),
        library.check,
    )
    async with preparation.running():
        yield Gateway(model, library, preparation, POLICY)


def served(model: TinyModel, **settings: Any) -> Starlette:
    """Return the gateway's application."""
    return create_app(
        partial(gateway_before, model),
        WebOptions(
            model_name="tiny",
            labels=SUBJECT.class_names,
            max_body=10**6,
            max_pixels=10**6,
            **settings,
        ),
    )


@pytest.fixture
def model() -> HookedModel:
    """Return the model behind the gateway."""
    return HookedModel()


@pytest.fixture
def url(model: HookedModel) -> Iterator[str]:
    """Serve a gateway in front of the model, and wait until it is ready."""
    with running(served(model), lifespan="on") as address:
        wait_until(lambda: ASK.get(f"{address}/readyz").is_success, seconds=60)
        yield address


async def test_a_stream_is_recorded_as_clients_see_it(url: str) -> None:
    """Flags, answers and probes of each image, and what the model says without the trigger."""
    async with RunningGateway(url, SIZE) as gateway:
        trying, seen = GatewayTrial(SUBJECT, STREAM, gateway, seed=1), []
        await trying.prepare()
        await trying.screen_all(lambda: seen.append(len(trying.screened)))
    done = trying.record()
    assert list(range(1, 41)) == seen
    assert ("tiny", "white", "gateway", (WHITE,)) == (
        done.model,
        done.attack,
        done.strategy,
        done.stamps,
    )
    assert STREAM.poisoned.tolist() == [one.flagged for one in done.screened]
    assert STREAM.labels.tolist() == done.right.tolist()
    assert done.right.tolist() == [one.answer for one in done.screened]
    assert {TARGET} == {one.said for one in done.screened if one.flagged}
    for one in done.screened:
        assert one.suspected is None
        assert {Purpose.SEARCH} == set(one.spent)
        assert one.total.inferences >= 1
        assert one.total.seconds > 0


async def test_the_trigger_is_fetched_with_its_pictures(url: str) -> None:
    """The gateway's trigger comes with its pixels, and with references that it was put on."""
    async with RunningGateway(url, SIZE) as gateway:
        trying = GatewayTrial(SUBJECT, STREAM, gateway, seed=1)
        await trying.screen_all(lambda: None)
    (found,) = trying.record().found
    assert FIRST == found.first_seen
    trigger = found.trigger
    assert (TARGET, (16, 16)) == (trigger.target, (trigger.image_width, trigger.image_height))
    assert trigger.box.overlap(TRIGGER_BOX) > 0
    assert (trigger.box.height, trigger.box.width, 3) == trigger.patch.shape
    assert 8 == len(found.examples)
    for before, after, said_before, said_after in found.examples:
        both = TinyModel().classify(np.stack([before, after])).labels
        assert [said_before, said_after] == both.tolist()
        assert TARGET == said_after


async def test_what_was_done_is_kept_when_it_is_stopped(url: str) -> None:
    """Stopped half-way, there is a record of the images until then, and of what was found."""

    def stop() -> None:
        if trying.screened[-1].flagged:
            raise KeyboardInterrupt

    async with RunningGateway(url, SIZE) as gateway:
        trying = GatewayTrial(SUBJECT, STREAM, gateway, seed=1)
        with pytest.raises(KeyboardInterrupt):
            await trying.screen_all(stop)
    done = trying.record()
    assert (FIRST + 1, 40, [FIRST]) == (
        len(done.screened),
        len(done.right),
        [one.first_seen for one in done.found],
    )


async def test_an_image_that_is_refused_has_no_answer(url: str, model: HookedModel) -> None:
    """Where the gateway can't finish an image it says 503, and that is recorded; 502 is an error.

    The model is lost at the second question about the first poisoned image.
    """

    def lose_the_model() -> None:
        if len(trying.screened) == FIRST:
            model.hook(fails_from(2))

    async with RunningGateway(url, SIZE) as gateway:
        trying = GatewayTrial(SUBJECT, STREAM, gateway, seed=1)
        with pytest.raises(GatewayError, match="502: the connection broke"):
            await trying.screen_all(lose_the_model)
    refused = trying.record().screened[FIRST]
    assert (NO_ANSWER, NO_ANSWER, False) == (refused.said, refused.answer, refused.flagged)
    assert Screening.INCOMPLETE is refused.screening


async def test_the_gateway_tells_what_its_model_says(url: str) -> None:
    """As a model, the gateway answers with what its own model says, attacked or not."""
    async with RunningGateway(url, SIZE) as gateway:
        answers = await gateway.answer(STREAM.images[:8])
    expected = TinyModel().classify(STREAM.images[:8]).labels
    assert (expected.tolist(), None) == (answers.labels.tolist(), answers.scores)


async def test_a_gateway_that_isnt_ready_says_why() -> None:
    """The message says what the gateway lacks."""
    model = TinyModel()
    model.failure = UpstreamUnreachableError("no connection to the model")
    with running(served(model), lifespan="on") as address:
        async with RunningGateway(address, SIZE) as gateway:
            with pytest.raises(GatewayError, match=r"isn't ready.*no connection to the model"):
                await gateway.check()


@pytest.mark.parametrize(
    ("key", "said"), [(None, "needs a key: --key"), ("api-1", "may not read the triggers: --key")]
)
async def test_a_missing_key_is_asked_for(key: str | None, said: str) -> None:
    """Without a key, or with one that isn't an admin's, it is said before the first image."""
    app = served(TinyModel(), api_keys=("api-1",), admin_keys=("admin-1",))
    with running(app, lifespan="on") as address:
        wait_until(lambda: ASK.get(f"{address}/readyz").is_success, seconds=60)
        async with RunningGateway(address, SIZE, key) as gateway:
            with pytest.raises(GatewayError, match=f"{address}: .*{said}"):
                await gateway.check()
        async with RunningGateway(address, SIZE, "admin-1") as gateway:
            await gateway.check()


async def test_where_no_gateway_is_that_is_said() -> None:
    """A closed port, another server and what is no address at all are told with the address."""
    with running(Starlette()) as address:
        async with RunningGateway(address, SIZE) as gateway:
            with pytest.raises(GatewayError, match=f"{address}: .* 404"):
                await gateway.check()
    async with RunningGateway(address, SIZE) as gateway:
        with pytest.raises(GatewayError, match=f"{address}: the gateway doesn't answer"):
            await gateway.check()
    with pytest.raises(GatewayError, match="--gateway takes an address"):
        RunningGateway("http://host:port", SIZE)
