"""The incidents of a worker that is alone."""

from __future__ import annotations

from app.incidents import Act, Deed, Incidents, Sought
from tests.library.findings import NOW
from tests.library.shared.test_incidents import SECOND, incident


async def test_without_a_store_they_stay_here() -> None:
    """What is kept is found, newest first, by the same rules as in the store."""
    incidents = Incidents()
    each = [incident(NOW - k * SECOND, of=f"t-{k % 2}") for k in range(5)]
    for one in reversed(each):
        incidents.keep(one)
    assert tuple(each[:2]) == await incidents.sought(Sought(2))
    assert (each[2],) == await incidents.sought(Sought(9, each[1].id, NOW - 3 * SECOND, "t-0"))


async def test_what_admins_do_stays_here_as_well() -> None:
    """Newest first."""
    incidents = Incidents()
    acts = [Act(NOW, deed, "t-1", "ops", "r") for deed in Deed]
    for act in acts:
        await incidents.note(act)
    assert tuple(reversed(acts)) == await incidents.acts()
