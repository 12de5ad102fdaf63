"""The rules of the library in plain Python: what the store holds, and what each worker knows.

A *kind* of trigger is a number; findings of one kind are the same trigger. ``grade`` is how often
it was refined. Times are whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

CAPACITY = 3
CONFIRMED, PROVEN = 2, 3
PROBATION, LASTING = 100, 1000


@dataclass(frozen=True)
class Fact:
    """What is known of a trigger."""

    id: str
    kind: int
    seen: int
    hits: int = 0
    grade: int = 0
    dismissed: bool = False

    @property
    def lasting(self) -> bool:
        """It makes no room: two images have carried it, and its owner hasn't dismissed it."""
        return self.hits >= CONFIRMED and not self.dismissed

    def over(self, now: int) -> bool:
        """Its time is over."""
        age = LASTING if self.hits >= PROVEN else PROBATION
        return not self.dismissed and self.seen <= now - age

    def hit(self, count: int, at: int) -> Fact:
        """Return it seen *count* times more."""
        return replace(self, hits=self.hits + count, seen=max(self.seen, at)) if count else self


Facts = dict[str, Fact]


def room(facts: Facts) -> str | None:
    """Name the one that makes room for a new one: unconfirmed before dismissed, oldest first."""
    spare = [fact for fact in facts.values() if not fact.lasting]
    return min(spare, key=lambda f: (f.dismissed, f.seen)).id if spare else None


def same(facts: Facts, kind: int) -> Fact | None:
    """Return what is known of *kind*."""
    found = [fact for fact in facts.values() if fact.kind == kind]
    return min(found, key=lambda fact: fact.dismissed, default=None)


@dataclass
class Shared:
    """The store: ``graves`` has when what expired had last been seen at most."""

    facts: Facts = field(default_factory=dict)
    graves: dict[str, int] = field(default_factory=dict)
    version: object = None


@dataclass
class Worker:
    """What one worker knows: ``stored`` is in the store for all it knows, ``unwritten`` isn't."""

    version: object = "never read"
    facts: Facts = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    unwritten: list[str] = field(default_factory=list)
    untold: dict[str, tuple[int, int]] = field(default_factory=dict)

    def find(self, fact: Fact) -> None:
        """Keep a new one; of those that wait for the store one makes room, if too many do."""
        waiting = {i: self.facts[i] for i in self.unwritten if i not in self.stored}
        if len(waiting) >= CAPACITY:
            spare = room(waiting)
            if spare is None:
                return
            self.forget(spare)
        self.facts[fact.id] = fact
        self.unwritten.append(fact.id)

    def hit(self, name: str, now: int) -> None:
        """Count an image that carried it, if it is still there."""
        if name in self.facts:
            self.facts[name] = self.facts[name].hit(1, now)
            self.untold[name] = (self.untold.get(name, (0, 0))[0] + 1, now)

    def refine(self, name: str) -> None:
        """Know it better; last in the row of those that wait."""
        fact = self.facts[name]
        self.facts[name] = replace(fact, grade=fact.grade + 1)
        self.unwritten = [i for i in self.unwritten if i != name] + [name]

    def forget(self, name: str) -> None:
        """Know nothing of it any more."""
        self.facts.pop(name, None)
        self.stored.discard(name)
        self.unwritten = [i for i in self.unwritten if i != name]

    def synchronise(self, store: Shared, now: int) -> None:
        """Read, have the store drop what is over, write."""
        self._read(store)
        over = [f.id for f in self.facts.values() if f.over(now)]
        self._expire(store, over, now)
        while self.unwritten:
            self.write(store, self.unwritten[0])

    def exchange(self, store: Shared) -> None:
        """Tell of what was counted here and hear of what was counted elsewhere."""
        if self.unwritten or self.version == "never read":
            return
        for name, (count, at) in self.untold.items():
            if name in store.facts:
                store.facts[name] = store.facts[name].hit(count, at)
        self.untold.clear()
        for name in self.facts.keys() & store.facts.keys():
            known = store.facts[name]
            self.facts[name] = replace(self.facts[name], hits=known.hits, seen=known.seen)

    def write(self, store: Shared, name: str, **owners_word: object) -> None:
        """Write one; another makes room for it, or it is given up."""
        mine = replace(self.facts[name], **owners_word)  # type: ignore[arg-type]
        there = store.facts.get(name)
        if there is None and len(store.facts) >= CAPACITY:
            spare = room({i: f for i, f in store.facts.items() if not self._sure_of(i)})
            if spare is None:
                self.forget(name)
                return
            del store.facts[spare]
            self.forget(spare)
        told = mine.hits - self.untold.get(name, (0, 0))[0]
        hits, seen = (there.hits, there.seen) if there else (told, mine.seen)
        store.facts[name] = replace(mine, hits=hits, seen=max(seen, mine.seen))
        self.facts[name] = mine
        self.stored.add(name)
        self.unwritten = [i for i in self.unwritten if i != name]
        self.version = store.version = object()

    def _sure_of(self, name: str) -> bool:
        """Hits that the store hasn't been told of forbid that it makes room."""
        return name in self.untold and name in self.facts and self.facts[name].lasting

    def _read(self, store: Shared) -> None:
        if self.version is store.version:
            return
        full = len(store.facts) >= CAPACITY
        mine = {}
        for name, fact in self.facts.items():
            lost = name in self.stored and name not in store.facts
            waits = name in self.unwritten or (lost and (fact.lasting or not full))
            dead = name in store.graves and fact.seen <= store.graves[name]
            if waits and not dead:
                mine[name] = fact
        for name in [i for i in mine if i not in store.facts]:
            if other := same(store.facts, mine[name].kind):
                del mine[name]
                if untold := self.untold.pop(name, None):
                    count, at = self.untold.get(other.id, (0, 0))
                    self.untold[other.id] = (count + untold[0], max(at, untold[1]))
        self.facts = {i: f.hit(*self.untold.get(i, (0, 0))) for i, f in store.facts.items()}
        for name, fact in mine.items():
            self.facts[name] = replace(self.facts.get(name, fact), grade=fact.grade)
        self.stored = set(store.facts)
        self.unwritten = sorted(mine, key=lambda name: mine[name].seen)
        self.version = store.version

    def _expire(self, store: Shared, names: list[str], now: int) -> None:
        dropped = [i for i in names if i in store.facts and store.facts[i].over(now)]
        for name in dropped:
            age = LASTING if store.facts.pop(name).hits >= PROVEN else PROBATION
            store.graves[name] = now - age
        if dropped:
            store.graves = {i: at for i, at in store.graves.items() if at >= now - 2 * LASTING}
            store.version = object()
            self._read(store)
