"""Whether the shared store is within reach: told once when it is lost, once when it is back."""

from __future__ import annotations

from contextlib import suppress

from app.events import Kind
from app.library.shared.reach import Reach
from app.ports import StoreAwayError
from tests.heard import Heard


def test_it_is_told_when_the_store_is_lost_and_when_all_of_it_is_back() -> None:
    """Not at the start, not for each part, and not before the last part is back."""
    heard = Heard()
    reach = Reach(heard, triggers="not read yet")

    def go(part: str, *, away: bool) -> None:
        with suppress(StoreAwayError), reach.noting(part):
            if away:
                raise StoreAwayError("away")  # noqa: EM101

    go("triggers", away=True)
    go("triggers", away=False)
    assert [] == heard.kinds
    for part in ("triggers", "counts", "triggers"):
        go(part, away=True)
    go("triggers", away=False)
    assert [Kind.GATEWAY_DEGRADED] == heard.kinds
    go("counts", away=False)
    assert [Kind.GATEWAY_DEGRADED, Kind.GATEWAY_RECOVERED] == heard.kinds
