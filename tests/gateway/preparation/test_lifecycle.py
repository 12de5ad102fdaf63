"""Calibrating the references: once, for all workers, for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from app.detection.reference_set.canaries import CANARIES
from app.gateway.preparation import lifecycle as module
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator, ReferencesError
from app.library.lifecycle import open_library
from app.library.records.names import Keys
from app.library.server.addresses import connected
from app.ports import LibraryError, UpstreamUnreachableError
from app.settings import Strategy
from tests.gateway.opened import REFERENCES, START_S, TRIGGER_MAX, opened
from tests.library.servers import eventually
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.detection.search import Images
    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.ports import InputSize


async def at_once() -> None:
    """Return."""


@pytest.fixture
async def store(store_url: str, name: str) -> AsyncIterator[RedisCalibrationStore]:
    """Open a store of calibrations."""
    async with open_library(store_url, name) as (_, store):
        yield store


def preparation(
    store: RedisCalibrationStore,
    model: TinyModel | None = None,
    load: Callable[[InputSize], Images] = lambda _: REFERENCES,
) -> Preparation:
    """Return a preparation."""
    return Preparation(
        Calibrator(
            model or TinyModel(),
            store,
            load,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
        ),
        at_once,
    )


async def test_fast_and_full_share_a_calibration(store: RedisCalibrationStore) -> None:
    """What was calibrated for one strategy serves the other: the bands are the same."""
    model = TinyModel()
    calibrators = [
        Calibrator(
            model,
            store,
            lambda _: REFERENCES,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
            strategy=strategy,
        )
        for strategy in (Strategy.FULL, Strategy.FAST)
    ]
    full = await calibrators[0].prepare()
    asked = model.asked
    fast = await calibrators[1].prepare()
    assert CANARIES == model.asked - asked
    assert full.key == fast.key
    assert (True, False) == (full.plan.blocks, fast.plan.blocks)


async def test_two_workers_calibrate_once(store_url: str, name: str) -> None:
    """One worker asks the model, the other one gets what it found."""
    one, other = TinyModel(), TinyModel()
    async with (
        opened(store_url, name, one, prepare=False) as first,
        opened(store_url, name, other, prepare=False) as second,
        first.preparation.running(),
        second.preparation.running(),
    ):
        await eventually(
            lambda: bool(first.preparation.prepared and second.preparation.prepared), START_S
        )
    assert first.preparation.prepared
    assert second.preparation.prepared
    assert CANARIES in {one.asked, other.asked}  # is it still that model?
    assert one.asked + other.asked > len(REFERENCES)
    a, b = first.preparation.prepared, second.preparation.prepared
    assert (a.key, a.references.seed) == (b.key, b.references.seed)
    robust = a.references.calibration.robust
    assert len(a.plan.bands) == len(robust)
    assert robust.tolist() == b.references.calibration.robust.tolist()


@pytest.mark.parametrize(
    ("field", "damage"),
    [
        ("labels", lambda labels: labels[:-1]),
        ("labels", lambda labels: [-1, *labels[1:]]),
        ("labels", lambda labels: [2**40, *labels[1:]]),
        ("robust", lambda rows: rows[:-1]),
        ("robust", lambda rows: [[10**6, *row[1:]] for row in rows]),
        ("robust", lambda rows: [[] for _ in rows]),
        ("canary_scores", lambda _: [[0.5]]),
    ],
)
async def test_a_damaged_calibration_is_measured_again(
    store_url: str, name: str, field: str, damage: Callable[[Any], Any]
) -> None:
    """One that can be read, and isn't of these references, is replaced by a worker that starts."""
    async with open_library(store_url, name) as (_, store):
        whole = (await preparation(store).prepare()).references.calibration
    async with connected(store_url) as client:
        (key,) = [k async for k in client.scan_iter() if Keys(name).calibration("").encode() in k]
        fields = orjson.loads(await client.get(key) or b"")
        await client.set(key, orjson.dumps(fields | {field: damage(fields[field])}))
    for _ in range(2):
        async with open_library(store_url, name) as (_, store):
            again = (await preparation(store).prepare()).references.calibration
        assert whole.labels.tolist() == again.labels.tolist()
        assert whole.robust.tolist() == again.robust.tolist()


async def test_it_waits_for_the_upstream(store: RedisCalibrationStore) -> None:
    """While the upstream is down it says so, and it is ready when the upstream has come."""
    model = TinyModel()
    model.failure = UpstreamUnreachableError("127.0.0.1: no connection")
    waiting = preparation(store, model)
    async with waiting.running():
        await eventually(lambda: "no connection" in (waiting.problem or ""), START_S)
        assert waiting.prepared is None
        model.failure = None
        await eventually(lambda: waiting.prepared is not None, START_S)
        assert waiting.problem is None


async def test_it_waits_for_the_library(store: RedisCalibrationStore) -> None:
    """Before the library has been read it isn't known which triggers to look for."""
    read = asyncio.Event()

    async def check() -> None:
        if not read.is_set():
            message = "the trigger library has not been read yet"
            raise LibraryError(message)

    waiting = Preparation(
        Calibrator(
            TinyModel(),
            store,
            lambda _: REFERENCES,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
        ),
        check,
    )
    async with waiting.running():
        await eventually(lambda: "not been read" in (waiting.problem or ""), START_S)
        assert (None, False) == (waiting.prepared, waiting.library_read)
        read.set()
        await eventually(lambda: waiting.prepared is not None, START_S)
        assert waiting.library_read


async def test_references_of_one_class_are_a_problem(store: RedisCalibrationStore) -> None:
    """References that the model can't tell apart are the owner's to mend, in plain words."""
    black = preparation(store, load=lambda _: np.zeros_like(REFERENCES))
    async with black.running():
        await eventually(lambda: (black.problem or "").startswith("NEO_REFERENCE"), START_S)
    assert "the model gives all 60 reference images the class" in (black.problem or "")
    assert "NEO_INPUT_*" in (black.problem or "")
    assert black.prepared is None


async def test_references_that_cant_be_read_are_a_problem(store: RedisCalibrationStore) -> None:
    """What is wrong with the reference set is said as it is."""

    def load(_: InputSize) -> Images:
        message = "refs.zip: no images in it"
        raise ReferencesError(message)

    broken = preparation(store, load=load)
    async with broken.running():
        await eventually(
            lambda: broken.problem == "NEO_REFERENCE: refs.zip: no images in it", START_S
        )


async def test_a_fault_of_ours_does_not_look_like_work(
    store: RedisCalibrationStore, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody thought of is in the log, and isn't called calibrating for ever."""

    def load(_: InputSize) -> Images:
        message = "nobody thought of this"
        raise RuntimeError(message)

    broken = preparation(store, load=load)
    with caplog.at_level(logging.ERROR):
        async with broken.running():
            await eventually(lambda: "RuntimeError at" in (broken.problem or ""), START_S)
    assert "in load" in caplog.text  # whichever format the log has
    assert "RuntimeError" in caplog.text


async def test_the_log_says_that_they_are_there(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of each worker, also of one that finds them in the store."""
    caplog.set_level(logging.INFO, module.__name__)
    async with opened(store_url, name), opened(store_url, name) as worker:
        assert worker.preparation.prepared
    said = "the references are calibrated: {} images of {}x{}x{}"
    expected = said.format(*worker.preparation.prepared.references.images.shape)
    assert [expected] * 2 == [line for line in caplog.messages if line.startswith("the refer")]


async def test_placebo_rates_are_shared(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker hears the others' rates when it starts, or has rates of its own to share."""
    monkeypatch.setattr(module, "SHARING_S", 0.02)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(opened(store_url, name)) for _ in range(2)]
        prepared = [worker.preparation.prepared for worker in workers]
        one, other = (each.references.placebo_rates for each in prepared if each)
        one["1,1,4,4:2"] = 0.25
        other["2,2,4,4:3"] = 0.5
        both = {"1,1,4,4:2": 0.25, "2,2,4,4:3": 0.5}
        await eventually(lambda: both in (one, other))
        late = await stack.enter_async_context(opened(store_url, name))
        assert late.preparation.prepared
        assert both == late.preparation.prepared.references.placebo_rates


async def test_the_paper_only_labels_its_references(store: RedisCalibrationStore) -> None:
    """The paper's strategy asks the model for each reference once, and no more."""
    model = TinyModel()
    paper = Preparation(
        Calibrator(
            model,
            store,
            lambda _: REFERENCES,
            identity="paper",
            trigger_max=TRIGGER_MAX,
            strategy=Strategy.PAPER,
        ),
        at_once,
    )
    async with paper.running():
        await eventually(lambda: paper.prepared is not None, START_S)
    assert len(REFERENCES) == model.asked


@pytest.mark.parametrize(
    ("strategy", "blocks"), [(Strategy.FULL, True), (Strategy.FAST, False), (Strategy.OFF, False)]
)
async def test_only_full_blocks(
    store: RedisCalibrationStore, strategy: Strategy, *, blocks: bool
) -> None:
    """Only `full` plans for triggers of one class; all of them rank the same bands."""
    prepared = Preparation(
        Calibrator(
            TinyModel(),
            store,
            lambda _: REFERENCES,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
            strategy=strategy,
        ),
        at_once,
    )
    async with prepared.running():
        await eventually(lambda: prepared.prepared is not None, START_S)
    assert prepared.prepared
    assert blocks is prepared.prepared.plan.blocks
    bands = prepared.prepared.references.calibration.robust
    assert len(prepared.prepared.plan.bands) == len(bands)


async def test_requests_are_kept_after_a_first_attempt_in_vain(
    store: RedisCalibrationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that came up before its model keeps its requests while it tries again."""
    monkeypatch.setattr(module, "PREPARED_S", START_S)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    model = TinyModel()
    model.failure = UpstreamUnreachableError("no connection")
    preparing = preparation(store, model)
    async with preparing.running():
        await eventually(lambda: "no connection" in (preparing.problem or ""), START_S)
        waiting = asyncio.create_task(preparing.soon(START_S))
        await asyncio.sleep(0)
        assert not waiting.done()
        model.failure = None
        assert await waiting is not None


async def test_requests_do_not_wait_for_what_is_hopeless(store: RedisCalibrationStore) -> None:
    """References that can't be used keep nobody waiting."""

    def load(_: InputSize) -> Images:
        message = "no good"
        raise ReferencesError(message)

    preparing = preparation(store, load=load)
    async with preparing.running(), asyncio.timeout(START_S):
        assert await preparing.soon(START_S) is None
        assert "no good" in (preparing.problem or "")
