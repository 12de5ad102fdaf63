"""What is told of images, by one worker's gateway."""

from __future__ import annotations

from app.events import Kind
from app.gateway.keeping.telling import Teller
from app.gateway.outcome import Outcome, Prediction, Screening
from app.gateway.visit import UNTOLD, RequestFacts, Visit
from app.ports import Arrival
from tests.gateway.opened import innocents, opened
from tests.heard import Heard
from tests.tiny import TARGET, stamped

POISONED = stamped(innocents(3))
REQUEST = RequestFacts("r-1", "cameras")


async def test_a_trigger_is_told_from_its_discovery_on(store_url: str, name: str) -> None:
    """The image that reveals it, the one that confirms it, and each that is flagged are told."""
    async with opened(store_url, name) as worker:
        outcomes = [
            await worker.gateway.predict(Visit(Arrival(image), request=REQUEST))
            for image in (*innocents(1), *POISONED)
        ]
        (entry,) = worker.library.entries()
        heard = worker.events
    assert [
        *(Kind.TRIGGER_DISCOVERED, Kind.IMAGE_FLAGGED),
        *(Kind.TRIGGER_CONFIRMED, Kind.IMAGE_FLAGGED, Kind.TRIGGER_SEEN),
        Kind.IMAGE_FLAGGED,
    ] == heard.kinds
    (found,) = heard.facts(Kind.TRIGGER_DISCOVERED)
    assert (entry.id, TARGET, "cameras", "r-1") == tuple(
        found[name] for name in ("trigger", "target", "key", "request_id")
    )
    flagged = [
        {
            "trigger": entry.id,
            "screening": outcome.screening.value,
            "prediction": outcome.prediction.index,
            "upstream_prediction": TARGET,
            "probes": outcome.probes,
            "listed": True,
            "key": "cameras",
            "request_id": "r-1",
        }
        for outcome in outcomes[1:]
    ]
    assert flagged == heard.facts(Kind.IMAGE_FLAGGED)


async def test_who_dismisses_and_restores_is_told(store_url: str, name: str) -> None:
    """With the name of the key, where there is one; who asks again changes nothing."""
    async with opened(store_url, name) as worker:
        await worker.predict(POISONED[0])
        (entry,) = worker.library.entries()
        for by in ("security", "again"):
            await worker.library.dismiss(entry.id, by)
        for _ in range(2):
            await worker.library.restore(entry.id)
        heard = worker.events
    assert [{"trigger": entry.id, "by": "security"}] == heard.facts(Kind.TRIGGER_DISMISSED)
    assert [{"trigger": entry.id, "by": None}] == heard.facts(Kind.TRIGGER_RESTORED)


def test_a_known_trigger_is_told_once_a_minute() -> None:
    """However many images carry it; the next one tells how many it were."""
    now, heard = 0.0, Heard()
    teller = Teller(heard, lambda: now)
    said = Prediction(0, None)
    outcome = Outcome(said, said, Screening.KNOWN_TRIGGER, "t-1", 5)
    for now in (0.0, 1.0, 59.0, 60.0, 61.0):  # noqa: B007  # the clock
        teller.flagged(outcome, UNTOLD)
    assert 5 == len(heard.facts(Kind.IMAGE_FLAGGED))
    seen = [{"trigger": "t-1", "images": 1}, {"trigger": "t-1", "images": 3}]
    assert seen == heard.facts(Kind.TRIGGER_SEEN)
