"""Two workers on real servers, in whatever order things happen, against the rules in `spec`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from app.library.records.names import Keys
from app.library.server.addresses import connected
from app.library.shared.store import Store
from app.library.triggers import RedisTriggerLibrary
from app.ports import LibraryError, UnknownTriggerError
from tests.library import spec
from tests.library.findings import sample
from tests.library.machines import KINDS, LIFETIMES, SECOND, WAITS, Machine, fact, finding, runs

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.library.servers import Server

KEYS = Keys("signs")
USERS = ("one", "other")
WHO = st.sampled_from(USERS)
WHICH = st.integers(0, 5)


class Shared(Machine):
    """Two workers that do nothing in the background, on a server that starts empty."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.owner = server.client()
        self.owner.flushall()
        self.store = spec.Shared()
        self.known = {user: spec.Worker() for user in USERS}
        self.stack = AsyncExitStack()
        self.cut: set[str] = set()
        self.well: set[str] = set()
        self.libraries = {user: self.loop.run(self._opened(server, user)) for user in USERS}

    async def _opened(self, server: Server, user: str) -> RedisTriggerLibrary:
        self.owner.execute_command("ACL", "SETUSER", user, "reset", "on", ">word", "~*", "+@all")  # type: ignore[no-untyped-call]
        url = server.url.replace("unix://", f"unix://{user}:word@")
        client = await self.stack.enter_async_context(connected(url, 10.0))
        store = Store(client, KEYS, capacity=spec.CAPACITY, clock=self.clock)
        return RedisTriggerLibrary(store, lifetimes=LIFETIMES, clock=self.clock)

    def teardown(self) -> None:
        """Let the connections go."""
        self.loop.run(self.stack.aclose())
        self.owner.close()
        super().teardown()

    @rule(user=WHO, kind=KINDS, hits=st.integers(0, 2))
    def register(self, user: str, kind: int, hits: int) -> None:
        """Let a worker find a trigger, and see it at once in so many images."""
        entry = self.run(self.libraries[user].register(finding(kind)))
        known = self.known[user]
        found = spec.same(known.facts, kind)
        # It was new to this worker alone if it comes back under a name that the store has.
        name = found.id if found else f"{entry.id}{'?' * (entry.id in self.store.facts)}"
        if found is None:
            known.find(spec.Fact(name, kind, self.now))
        # One that knows Redis to be away doesn't ask it.
        if name in known.unwritten and user in self.well:
            self.expect_synchronised(user)
        kept = spec.same(known.facts, kind)
        assert entry.id == (kept.id if kept else entry.id)
        self.compare(user)
        for _ in range(hits if kept else 0):
            self.hit(user, entry.id)

    @rule(user=WHO, which=WHICH, what=st.sampled_from(["hit", "hit", "refine"]))
    def see(self, user: str, which: int, what: str) -> None:
        """Let a worker see an image with a trigger that it knows, or know it better."""
        if fact := self.pick(user, which):
            (self.hit if what == "hit" else self.refine)(user, fact.id)

    @rule(user=WHO, which=WHICH, dismiss=st.booleans())
    def decide(self, user: str, which: int, *, dismiss: bool) -> None:
        """Dismiss or restore a trigger that a worker shows."""
        fact = self.pick(user, which)
        if fact is None:
            return
        library, known = self.libraries[user], self.known[user]
        asking = library.dismiss(fact.id) if dismiss else library.restore(fact.id)
        error = self.run(_failed(asking))
        if not self.expect_synchronised(user):
            assert isinstance(error, LibraryError)
        else:
            gone = fact.id not in known.facts
            assert gone is isinstance(error, UnknownTriggerError)
            if not gone:
                word = {"dismissed": dismiss} | ({} if dismiss else {"seen": self.now})
                known.write(self.store, fact.id, **word)
        self.compare(user)

    @rule(user=WHO)
    def synchronise(self, user: str) -> None:
        """Let a worker look what the others have changed."""
        error = self.run(_failed(self.libraries[user].synchronise()))
        assert self.expect_synchronised(user) is (error is None)
        self.compare(user)

    @rule(user=WHO)
    def exchange(self, user: str) -> None:
        """Let a worker tell its counts and hear the others'."""
        self.run(_failed(self.libraries[user].exchange()))
        if user not in self.cut:
            self.known[user].exchange(self.store)
        self.compare(user)

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        """Let nothing happen for a while."""
        self.clock.forward(seconds * SECOND)

    @rule()
    def go_on(self) -> None:
        """Let both do what they do all the time."""
        for user in USERS * 2:
            self.synchronise(user)
            self.exchange(user)

    @rule(user=WHO, often=st.integers(0, 2))
    def cut_off(self, user: str, often: int) -> None:
        """Let a worker in no more, or more often in again."""
        self.cut = self.cut - {user} if often else self.cut | {user}
        rule = "-@all" if user in self.cut else "+@all"
        self.owner.execute_command("ACL", "SETUSER", user, rule)  # type: ignore[no-untyped-call]

    @rule(often=st.integers(0, 3))
    def lose(self, often: int) -> None:
        """Let the server come back empty, or more often without our scripts."""
        if often:
            self.owner.script_flush()
        else:
            self.owner.flushall()
            self.store = spec.Shared()

    def pick(self, user: str, which: int) -> spec.Fact | None:
        """Return one that *user* knows."""
        facts = sorted(self.known[user].facts.values(), key=lambda fact: fact.kind)
        return facts[which % len(facts)] if facts else None

    def hit(self, user: str, name: str) -> None:
        """Let *user* see an image that carries a trigger."""
        self.run(self.libraries[user].hit(name, sample(1)))
        self.known[user].hit(name, self.now)
        self.compare(user)

    def refine(self, user: str, name: str) -> None:
        """Let *user* know a trigger better."""
        fact = self.known[user].facts[name]
        better = finding(fact.kind, fact.grade + 1)
        self.run(self.libraries[user].refine(name, better))
        self.known[user].refine(name)
        self.compare(user)

    def expect_synchronised(self, user: str) -> bool:
        """Have the rules do what *user* does when it asks the server; say if it can."""
        if user in self.cut:
            self.well.discard(user)
            return False
        self.well.add(user)
        self.known[user].synchronise(self.store, self.now)
        return True

    def compare(self, user: str) -> None:
        """Check that *user*'s library and the store are as they should be."""
        library, known = self.libraries[user], self.known[user]
        shown = {fact(entry) for entry in (*library.entries(), *library.dismissed())}
        assert set(known.facts.values()) == shown
        kinds = [fact.kind for fact in known.facts.values()]
        assert sorted(set(kinds)) == sorted(kinds)
        names = set(map(_text, self.owner.hkeys(KEYS.triggers)))
        assert set(self.store.facts) == names
        assert len(names) <= spec.CAPACITY
        hits = {_text(i): int(n) for i, n in self.owner.hgetall(KEYS.hits).items()}
        assert {i: f.hits for i, f in self.store.facts.items()} == hits


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


async def _failed(asking: Coroutine[Any, Any, Any]) -> Exception | None:
    try:
        await asking
    except LibraryError as error:
        return error
    return None


@pytest.mark.parametrize(
    "server", ["valkey", pytest.param("redis", marks=pytest.mark.slow)], indirect=True
)
def test_two_workers_keep_the_rules(server: Server) -> None:
    """Whatever two workers, the owner, the clock and Redis do, all is as the rules say."""
    machine: Any = partial(Shared, server)  # a class would do as well
    run_state_machine_as_test(machine, settings=runs(25))
