"""What admins do to triggers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.gateway.keeping.deeds import Deeds
from app.gateway.visit import RequestFacts
from app.incidents import Act, Deed, Incidents
from app.library.memory import MemoryTriggerLibrary
from app.ports import UnknownTriggerError
from tests.library.findings import NOW
from tests.tiny import tiny_trigger

OPS = RequestFacts("r-1", "ops")


async def test_what_is_done_is_noted() -> None:
    """Who, what, to which trigger, when and by which request; newest first."""
    library, incidents = MemoryTriggerLibrary(), Incidents(lambda: NOW)
    entry = await library.register(tiny_trigger())
    deeds = Deeds(library, incidents)
    assert (await deeds.do(Deed.DISMISS, entry.id, OPS)).dismissed
    assert not (await deeds.do(Deed.RESTORE, entry.id, RequestFacts("r-2"))).dismissed
    assert (
        Act(NOW, Deed.RESTORE, entry.id, None, "r-2"),
        Act(NOW, Deed.DISMISS, entry.id, "ops", "r-1"),
    ) == await incidents.acts()


async def test_what_is_not_done_is_not_noted() -> None:
    """A trigger that isn't there leaves no trace."""
    incidents = Incidents(lambda: datetime.now(UTC))
    with pytest.raises(UnknownTriggerError):
        await Deeds(MemoryTriggerLibrary(), incidents).do(Deed.DISMISS, "t-9", OPS)
    assert () == await incidents.acts()
