"""The library of a process that is alone, against the rules in `spec`."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from app.library.memory import MemoryTriggerLibrary
from tests.library import spec
from tests.library.findings import sample
from tests.library.machines import KINDS, LIFETIMES, SECOND, WAITS, Machine, fact, finding, runs


class Alone(Machine):
    """The library of a process that is alone: a worker whose store never is there."""

    def __init__(self) -> None:
        super().__init__()
        self.library = MemoryTriggerLibrary(
            lifetimes=LIFETIMES, clock=self.clock, capacity=spec.CAPACITY
        )
        self.known = spec.Worker()

    @rule(kind=KINDS)
    def register(self, kind: int) -> None:
        """Find a trigger."""
        entry = self.run(self.library.register(finding(kind)))
        self.forget()
        if spec.same(self.known.facts, kind) is None:
            self.known.find(spec.Fact(entry.id, kind, self.now))
        self.compare()

    @rule(kind=KINDS, what=st.sampled_from(["hit", "hit", "refine", "dismiss", "restore"]))
    def use(self, kind: int, what: str) -> None:
        """Let something happen to a trigger that is known."""
        self.clock.forward(SECOND)
        self.forget()
        known = spec.same(self.known.facts, kind)
        if known is None:
            return
        match what:
            case "hit":
                self.loop.run(self.library.hit(known.id, sample(kind)))
                self.known.hit(known.id, self.now)
            case "refine":
                self.loop.run(self.library.refine(known.id, finding(kind, known.grade + 1)))
                self.known.refine(known.id)
            case "dismiss":
                self.loop.run(self.library.dismiss(known.id))
                self.known.facts[known.id] = replace(known, dismissed=True)
            case _:
                self.loop.run(self.library.restore(known.id))
                self.known.facts[known.id] = replace(known, dismissed=False, seen=self.now)
        self.compare()

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        """Let nothing happen for a while."""
        self.clock.forward(seconds * SECOND)
        self.compare()

    def forget(self) -> None:
        """Drop what is over."""
        for known in [f for f in self.known.facts.values() if f.over(self.now)]:
            self.known.forget(known.id)

    def compare(self) -> None:
        """Check that the library is as it should be."""
        self.forget()
        shown = {fact(entry) for entry in (*self.library.entries(), *self.library.dismissed())}
        assert set(self.known.facts.values()) == shown


def test_a_process_alone_keeps_the_rules() -> None:
    """Without a store the same rules hold."""
    run_state_machine_as_test(Alone, settings=runs(25))
