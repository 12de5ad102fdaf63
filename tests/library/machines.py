"""What the model-based tests of the library have in common."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from app.library.rules.expiry import Lifetimes
from tests.library import spec
from tests.library.clocks import Clock
from tests.library.findings import NOW, trigger

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from app.detection.trigger import Trigger
    from app.ports import Entry

KINDS = st.integers(0, 5)
WAITS = st.sampled_from([spec.PROBATION // 2, spec.PROBATION, spec.LASTING])
SECOND = timedelta(seconds=1)
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
LIFETIMES = Lifetimes(spec.PROBATION * SECOND, spec.LASTING * SECOND)


class Machine(RuleBasedStateMachine):
    """What both machines have: a clock, a loop, and findings that tell their kind and grade."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.loop = asyncio.Runner()

    @property
    def now(self) -> int:
        """The time in seconds."""
        return int((self.clock() - NOW) / SECOND)

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Do it; no two things happen in the same second."""
        self.clock.forward(SECOND)
        return self.loop.run(doing)

    def teardown(self) -> None:
        """Let the loop go."""
        self.loop.close()


def fact(entry: Entry) -> spec.Fact:
    """Return what *entry* says, in the words of the rules."""
    return spec.Fact(
        id=entry.id,
        kind=entry.trigger.target,
        seen=int((entry.last_seen_at - NOW) / SECOND),
        hits=entry.hits,
        grade=round(entry.trigger.natural * 1000),
        dismissed=entry.dismissed,
    )


def finding(kind: int, grade: int = 0) -> Trigger:
    """Return a trigger that tells its kind and grade."""
    return replace(trigger(kind), natural=grade / 1000)


def runs(count: int) -> settings:
    """Return how often, the same each time; more often, and by chance, for `make fuzz`."""
    return settings(
        max_examples=count * 32 if LONG else count,
        stateful_step_count=50,
        derandomize=not LONG,
        deadline=None,
        phases=[Phase.generate],  # a failure is told at once; shrinking takes minutes
    )
