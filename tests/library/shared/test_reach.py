"""Whether the shared store is within reach: told once when it is lost, once when it is back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from app.events import Kind
from app.library.shared import reach
from app.library.shared.reach import LASTING_S, Reach
from app.ports import LibraryError, StoreAwayError, UnwritableError
from tests.heard import Heard
from tests.library.clocks import Seconds

if TYPE_CHECKING:
    import pytest


def test_it_is_told_when_the_store_is_lost_and_when_all_of_it_is_back() -> None:
    """Not at the start, not for each part, and not before the last part is back."""
    heard, clock = Heard(), Seconds(0.0)
    store = Reach(heard, clock, triggers="not read yet")

    def go(part: str, *, away: bool) -> None:
        with suppress(StoreAwayError), store.noting(part):
            if away:
                raise StoreAwayError("away")  # noqa: EM101

    go("triggers", away=True)
    go("triggers", away=False)
    assert [] == heard.kinds
    for part in ("triggers", "counts", "triggers"):
        go(part, away=True)
        clock.now += LASTING_S / 2
    go("triggers", away=False)
    assert [Kind.GATEWAY_DEGRADED] == heard.kinds
    go("counts", away=False)
    assert [Kind.GATEWAY_DEGRADED, Kind.GATEWAY_RECOVERED] == heard.kinds


def test_one_slow_answer_is_no_event() -> None:
    """The store must be away for a second; its problem is told from the start."""
    heard, clock = Heard(), Seconds(0.0)
    store = Reach(heard, clock)
    for _ in range(3):
        with suppress(StoreAwayError), store.noting("counts"):
            raise StoreAwayError("away")  # noqa: EM101
        assert store.problem() is not None
        clock.now += 10 * LASTING_S
        with store.noting("counts"):
            pass
        assert store.problem() is None
    assert [] == heard.kinds


def test_what_all_parts_have_in_common_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The event is the line for it; a part with a trouble of its own has a line more."""
    caplog.set_level("INFO", reach.__name__)
    store = Reach(Heard())

    def fail(part: str, error: LibraryError) -> None:
        with suppress(LibraryError), store.noting(part):
            raise error

    for part in ("triggers", "counts", "incidents", "triggers"):
        fail(part, StoreAwayError("away"))
    assert [] == caplog.messages
    fail("counts", UnwritableError("Redis is full"))
    (line,) = caplog.messages
    assert line.startswith("counts are not shared for now: Redis is full")
    for part in ("triggers", "counts", "incidents"):
        with store.noting(part):
            pass
    assert [line] == caplog.messages
