"""What is kept of flagged images."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.detection.trigger import Sign
from app.gateway.admission.rates import BURST_S
from app.gateway.keeping.recording import MOST_HELD, PER_S, Recorder
from app.gateway.outcome import Outcome, Prediction, Screening, UnscreenedError
from app.gateway.readiness import Part
from app.gateway.visit import RequestFacts, Visit
from app.incidents import Incident, Incidents, Sought
from app.library.memory import MemoryTriggerLibrary
from app.pictures.decoding import fitted
from app.pictures.decoding import opened as opened_picture
from app.ports import Arrival, InputSize
from app.quarantine.places import Folder
from app.quarantine.quarantine import Quarantine
from app.settings import Mode, Resize
from tests.files import encoded
from tests.gateway.hooked import SlowModel
from tests.gateway.opened import Opened, innocents, opened
from tests.library.clocks import Seconds
from tests.library.servers import eventually
from tests.tiny import TARGET, stamped, tiny_trigger

if TYPE_CHECKING:
    from pathlib import Path

POISONED = stamped(innocents(2))
BURST = int(PER_S * BURST_S)
ALL = Sought(1000)
FLAGGED = Outcome(Prediction(1, 0.5), Prediction(2, 0.9), Screening.KNOWN_TRIGGER, "t-1", probes=3)
SUSPICIOUS = 5
"""The call of a discovery at which something is being confirmed."""


def visit(key: str = "shop", sent: bytes = b"file") -> Visit:
    """Return an image that *key* has *sent*."""
    return Visit(Arrival(POISONED[0]), request=RequestFacts("r-1", key), sent=sent)


def unlisted() -> float:
    """Return how many images of this process were only counted."""
    return REGISTRY.get_sample_value("neo_incidents_unlisted_total") or 0.0


async def listed(worker: Opened, count: int) -> tuple[Incident, ...]:
    """Return the incidents as all workers find them, once there are *count*."""
    found: list[Incident] = []

    async def enough() -> bool:
        found[:] = await worker.incidents.sought(ALL)
        return len(found) >= count

    while not await enough():
        await eventually(lambda: not worker.incidents.waiting(1))
    return tuple(found)


async def test_flagged_images_are_listed_with_all_that_is_known(store_url: str, name: str) -> None:
    """Request, key, time, both predictions, trigger, evidence, digest: of a new and a known one."""
    files = [encoded(image) for image in POISONED]
    async with opened(store_url, name) as worker:
        for number, (image, file) in enumerate(zip(POISONED, files, strict=True)):
            request = RequestFacts(f"r-{number}", "shop")
            await worker.gateway.predict(Visit(Arrival(image), request=request, sent=file))
        await worker.predict(innocents(1)[0])
        await worker.gateway.close()
        second, first = await listed(worker, 2)
        (entry,) = worker.library.entries()
    assert ["discovered", "known-trigger"] == [first.screening, second.screening]
    assert [("r-0", "shop"), ("r-1", "shop")] == [(i.request_id, i.key) for i in (first, second)]
    for incident, file in ((first, files[0]), (second, files[1])):
        assert incident.evidence is not None
        its = replace(entry.trigger.evidence, terms=incident.evidence.terms)
        assert (entry.id, its) == (incident.trigger_id, incident.evidence)
        assert TARGET == incident.upstream.index != incident.sanitised.index
        assert (hashlib.sha256(file).hexdigest(), len(file)) == (incident.sha256, incident.size)
        assert ("enforce", None, False) == (incident.mode, incident.address, incident.late)
    assert first.at < second.at
    assert first.evidence is not None
    assert second.evidence is not None
    assert entry.trigger.evidence.terms == first.evidence.terms
    assert Sign.PIXELS in {one.sign for one in second.evidence.terms}


async def test_image_that_is_flagged_when_its_caller_has_gone(store_url: str, name: str) -> None:
    """It is listed as well, and says that it was late."""
    model = SlowModel()
    async with opened(store_url, name, model, patience_s=0.3) as worker:
        model.hold(SUSPICIOUS)
        with pytest.raises(UnscreenedError):
            await worker.predict(POISONED[0])
        model.let()
        await eventually(lambda: bool(worker.library.entries()))
        (incident,) = await listed(worker, 1)
    assert incident.late


async def test_a_flood_is_counted() -> None:
    """Of each key and trigger so many are listed; the next one says how many were not."""
    clock, incidents, before = Seconds(0.0), Incidents(), unlisted()
    recorder = Recorder(MemoryTriggerLibrary(), incidents, clock=clock)
    said = [recorder.flagged(visit(), FLAGGED, late=False) for _ in range(BURST + 3)]
    assert [True] * BURST + [False] * 3 == said
    recorder.flagged(visit(key="bank"), FLAGGED, late=False)
    await recorder.close()
    assert [("shop", 0)] * BURST + [("bank", 0)] == [
        (one.key, one.unlisted) for one in incidents.waiting(1000)
    ]
    assert 3 == unlisted() - before
    clock.now += 1 / PER_S
    recorder.flagged(visit(), FLAGGED, late=False)
    await recorder.close()
    assert 3 == incidents.waiting(1000)[-1].unlisted


async def test_large_images_do_not_pile_up() -> None:
    """What waits to be recorded is bounded in bytes; one alone is always taken."""
    incidents, large = Incidents(), bytes(MOST_HELD)
    recorder = Recorder(MemoryTriggerLibrary(), incidents)
    recorder.flagged(visit(sent=large), FLAGGED, late=False)
    recorder.flagged(visit(), FLAGGED, late=False)
    await recorder.close()
    recorder.flagged(visit(), FLAGGED, late=False)
    await recorder.close()
    first, second = incidents.waiting(9)
    assert (hashlib.sha256(large).hexdigest(), 0) == (first.sha256, first.unlisted)
    assert (hashlib.sha256(b"file").hexdigest(), 1) == (second.sha256, second.unlisted)


async def test_trigger_that_no_library_has() -> None:
    """An image with one that a full library had no room for is listed without evidence."""
    incidents, library = Incidents(), MemoryTriggerLibrary()
    kept = await library.register(tiny_trigger())
    recorder = Recorder(library, incidents)
    recorder.flagged(visit(), FLAGGED, late=False)
    await recorder.close()
    (incident,) = incidents.waiting(9)
    assert ("t-1", kept.trigger.evidence) == (incident.trigger_id, incident.evidence)
    await library.dismiss(kept.id)
    empty = Recorder(MemoryTriggerLibrary(), incidents)
    empty.flagged(visit(), FLAGGED, late=False)
    await empty.close()
    assert incidents.waiting(9)[-1].evidence is None


async def test_image_of_nobody_counts_by_its_pixels() -> None:
    """An image that no request brought has the digest of its pixels."""
    incidents = Incidents()
    recorder = Recorder(MemoryTriggerLibrary(), incidents)
    recorder.flagged(Visit(Arrival(POISONED[0])), FLAGGED, late=False)
    await recorder.close()
    (incident,) = incidents.waiting(9)
    pixels = np.ascontiguousarray(POISONED[0]).tobytes()
    assert hashlib.sha256(pixels).hexdigest() == incident.sha256


async def test_image_is_kept_in_the_quarantine(store_url: str, name: str, tmp_path: Path) -> None:
    """The incident has its address, a tensor's is a PNG; where it can't be kept there is none."""
    kept = Quarantine(Folder(tmp_path), 2**20, timedelta(days=1))
    file, tensor = encoded(POISONED[0]), POISONED[1].astype(np.float32)
    async with opened(store_url, name, keeper=kept) as worker:
        for image, sent in ((POISONED[0], file), (POISONED[1], tensor)):
            await worker.gateway.predict(Visit(Arrival(image), sent=sent))
            await worker.gateway.close()
        kept.problem = "it is full"
        parts = (await worker.gateway.readiness()).parts
        second, first = await listed(worker, 2)
    assert [Part("quarantine", "it is full", needed=False)] == [
        part for part in parts if part.name == "quarantine"
    ]
    assert first.address is not None
    assert file == (tmp_path / first.address).read_bytes()
    assert first.sha256 in first.address
    assert second.address is not None
    picture = opened_picture((tmp_path / second.address).read_bytes(), max_pixels=10**6)
    size = InputSize(*POISONED[1].shape)
    assert np.array_equal(POISONED[1], fitted(picture, size, Resize.STRETCH))


async def test_in_monitor_mode_it_says_so(store_url: str, name: str) -> None:
    """The caller gets the model's own answer, and the incident says what was right."""
    async with opened(store_url, name, mode=Mode.MONITOR) as worker:
        answer = await worker.gateway.predict(Visit(Arrival(POISONED[0]), wait_s=None))
        (incident,) = await listed(worker, 1)
    assert (Mode.MONITOR, TARGET) == (incident.mode, answer.prediction.index)
    assert TARGET == incident.upstream.index != incident.sanitised.index
