"""The strategy `paper`, end to end."""

from __future__ import annotations

from app.gateway.outcome import Screening
from app.settings import Strategy
from tests.gateway.opened import innocents, opened
from tests.tiny import TARGET, TRIGGER_BOX, stamped

CLEAN = innocents(20)
POISONED = stamped(CLEAN)


async def test_the_papers_stream(store_url: str, name: str) -> None:
    """The paper blocks N positions until the first trigger, and then only that trigger's."""
    async with opened(store_url, name, strategy=Strategy.PAPER) as worker:
        before = await worker.predict(CLEAN[0])
        assert (Screening.CLEAR, 101) == (before.screening, before.probes)

        found = await worker.predict(POISONED[0])
        assert (Screening.DISCOVERED, TARGET) == (found.screening, found.upstream_prediction.index)
        (entry,) = worker.library.entries()
        assert entry.trigger.box.overlap(TRIGGER_BOX) > 0

        for clean, image in zip(CLEAN[1:], POISONED[1:], strict=True):
            outcome = await worker.predict(image)
            assert Screening.KNOWN_TRIGGER is outcome.screening
            assert worker.model.classify(clean[None]).labels[0] == outcome.prediction.index

        after = await worker.predict(CLEAN[1])
        assert (Screening.PASSED, 2) == (after.screening, after.probes)
        assert worker.library.entries()[0].trigger.mask is None
        assert (2, 20) == (worker.library.tally().screened, worker.library.tally().flagged)


async def test_the_budget_holds_for_the_paper_too(store_url: str, name: str) -> None:
    """An image that isn't drawn is asked about once, not at N positions."""
    async with opened(store_url, name, strategy=Strategy.PAPER, probe_budget=0.0) as worker:
        outcome = await worker.predict(POISONED[0])
        assert (Screening.PASSED, 1) == (outcome.screening, outcome.probes)
