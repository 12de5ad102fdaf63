"""Every fault of the upstream, wherever it strikes, under both policies: what a client gets.

The tables are the specification; `docs/faults.md` says the same in words.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.gateway.preparation import lifecycle as preparation
from app.library.memory import MemoryCalibrationStore
from app.settings import FailurePolicy
from tests.faults.defended import (
    CLEAN,
    KNOWN,
    MODEL,
    OWN,
    RIGHT_CLEAN,
    RIGHT_KNOWN,
    RIGHT_UNKNOWN,
    SECOND,
    SEED,
    START_S,
    UNKNOWN,
    Said,
    defended,
)
from tests.library.servers import eventually
from tests.tiny import TARGET
from tests.upstream.faulty_server import RETRY_AFTER_S, Fault, Hits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.defended import Defended

UNREACHABLE = Said(502, problem="upstream-unreachable")
LATE = Said(504, problem="upstream-timeout")
UNUSABLE = Said(502, problem="upstream-error")
UNSCREENED = Said(503, problem="unscreened", retry_after="5")

WITHOUT_OWN: dict[Fault, Said] = {
    Fault.REFUSED: UNREACHABLE,
    Fault.RESET: UNREACHABLE,
    Fault.HANG: LATE,
    Fault.DRIP: LATE,
    Fault.ERROR: UNUSABLE,
    Fault.BUSY: Said(502, problem="upstream-error", retry_after=str(RETRY_AFTER_S)),
    Fault.HTML: UNUSABLE,
    Fault.TRUNCATED: UNUSABLE,
    Fault.SHORT: UNUSABLE,
    Fault.LONG: UNUSABLE,
    Fault.NAN: UNUSABLE,
    Fault.CLASSES: UNUSABLE,
    Fault.SHAPE: UNUSABLE,
    Fault.BOMB: UNUSABLE,
    Fault.HALF: UNREACHABLE,
    Fault.RESTART: UNREACHABLE,
}
"""The fault hits the request with the client's own image: the same for every image and policy."""

WITHOUT_PROBES: dict[FailurePolicy, tuple[Said, Said, Said]] = {
    FailurePolicy.CLOSED: (UNSCREENED, UNSCREENED, UNSCREENED),
    FailurePolicy.OPEN: (
        Said(200, "incomplete", RIGHT_CLEAN),
        UNSCREENED,
        Said(200, "incomplete", SECOND.target),
    ),
}
"""Any fault hits what is asked after it: a clean image, a known trigger, an unknown one.

The same while the references can't be calibrated.
"""

WELL = (
    Said(200, "clean", RIGHT_CLEAN),
    Said(200, "backdoor", RIGHT_KNOWN),
    Said(200, "backdoor", RIGHT_UNKNOWN),
)
"""Before and after every fault."""

PACE_S = 0.05
SLOW = {Fault.HANG, Fault.DRIP}
BREAKING = {Fault.REFUSED, Fault.RESTART}
"""Faults of the whole server, which hit more than one request."""
STORE = MemoryCalibrationStore(SEED)
"""Of all tests whose references are calibrated well: only the first one measures."""

FAULTS = [fault for fault in Fault if fault is not Fault.OTHER]
policies = pytest.mark.parametrize("on_failure", list(FailurePolicy))


@asynccontextmanager
async def calibrated(
    fault: Fault, on_failure: FailurePolicy, impatient_s: float = 1.0
) -> AsyncIterator[Defended]:
    """Run a gateway that is ready; where the *fault* is waited for, an impatient one."""
    patience_s = impatient_s if fault in SLOW else 10.0
    async with (
        defended(on_failure, patience_s, STORE, answer_bytes=1_000_000) as gateway,
        gateway.preparation.running(),
    ):
        await gateway.ready()
        yield gateway


async def assert_well_again(gateway: Defended) -> None:
    """Check that the gateway answers each image as if nothing had happened."""
    await gateway.server.mend()
    await gateway.ready()
    for image, well in zip((CLEAN, KNOWN, UNKNOWN), WELL, strict=True):
        said = await gateway.said(image)
        while said != well:  # a breaker that has opened closes again
            assert said.status in {502, 503, 504} or said.verdict == "incomplete", said
            await asyncio.sleep(PACE_S)
            said = await gateway.said(image)


def test_the_images_are_what_they_are_said_to_be() -> None:
    """The model answers the attackers' classes to the poisoned images, and no other."""
    assert [RIGHT_CLEAN, TARGET, SECOND.target] == MODEL.classify(OWN).labels.tolist()
    assert TARGET not in {RIGHT_CLEAN, RIGHT_KNOWN, RIGHT_UNKNOWN}
    assert RIGHT_UNKNOWN != SECOND.target


@policies
@pytest.mark.parametrize("fault", FAULTS)
async def test_own_image(fault: Fault, on_failure: FailurePolicy) -> None:
    """A fault of the request with the client's own image is that image's error, never a guess."""
    async with calibrated(fault, on_failure, impatient_s=0.4) as gateway:
        for image in OWN:
            await gateway.server.mend()
            gateway.server.arm(fault, Hits.OWN)
            assert WITHOUT_OWN[fault] == await gateway.said(image)
            assert gateway.server.hit
        await assert_well_again(gateway)


@policies
@pytest.mark.parametrize("fault", FAULTS)
async def test_probe(fault: Fault, on_failure: FailurePolicy) -> None:
    """A fault of a later probe leaves an image unscreened, which the policy decides about."""
    async with calibrated(fault, on_failure) as gateway:
        for image, expected in zip(OWN, WITHOUT_PROBES[on_failure], strict=True):
            await gateway.server.mend()
            gateway.server.arm(fault, Hits.OTHERS)
            assert expected == await gateway.said(image)
            assert gateway.server.hit
        await assert_well_again(gateway)


@policies
@pytest.mark.parametrize("fault", FAULTS)
async def test_calibration(
    fault: Fault, on_failure: FailurePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the references are calibrated the policy decides; what came of them isn't used."""
    monkeypatch.setattr(preparation, "PREPARED_S", 0.05)  # that requests wait for the calibration
    monkeypatch.setattr(preparation, "RETRY_S", 0.5)
    patience_s = 1.0 if fault in SLOW else 10.0
    async with defended(on_failure, patience_s, answer_bytes=1_000_000) as gateway:
        gateway.server.arm(fault, Hits.OTHERS, after=1)
        async with gateway.preparation.running():
            await eventually(lambda: "yet: " in (gateway.preparation.problem or ""), START_S)
            assert gateway.server.hit
            for image, expected in zip(OWN, WITHOUT_PROBES[on_failure], strict=True):
                said = await gateway.said(image)
                if on_failure is FailurePolicy.OPEN and fault in BREAKING:
                    assert said in {expected, UNREACHABLE} or said.problem == "upstream-open"
                else:
                    assert expected == said
            await assert_well_again(gateway)


@policies
@pytest.mark.parametrize("hits", [Hits.OWN, Hits.OTHERS])
async def test_other_model(hits: Hits, on_failure: FailurePolicy) -> None:
    """Until a model swap is noticed a clean image's answer is that of the model that was asked.

    Its probes go to whoever is there, and never make an answer of their own.
    """
    async with calibrated(Fault.OTHER, on_failure) as gateway:
        gateway.server.arm(Fault.OTHER, hits)
        said = await gateway.said(CLEAN)
        expected = (RIGHT_CLEAN + (hits is Hits.OWN)) % 4
        assert {(200, expected)} >= {(said.status, said.index)} - {(503, None)}
        assert gateway.server.hit
        await assert_well_again(gateway)
