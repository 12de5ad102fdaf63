"""What images made likely and didn't prove, shared by all workers, for an hour (`app.detection`).

Nothing is answered by them. A worker keeps a copy of its own, and tells the others what it has
noted; without a store it keeps them by the same rules.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.detection.suspect import Suspect
    from app.incidents import Said

MOST_KEPT: Final = 640
"""Suspects of one model: some 3 KB each. 200 clean signs leave 170."""

LIVES: Final = timedelta(hours=1)
"""How long one is kept that no other image shows."""

MOST_WAITING: Final = 256
"""What one worker has noted while the store is away; then the oldest go."""

MOST_CALLERS: Final = 16
"""Callers that are told apart of one suspect; they are counted as so many then."""


@dataclass(frozen=True)
class Source:
    """The image that showed a suspect first: what an incident of it will tell.

    ``upstream`` is what went out, ``instead`` what the image is called without it, if that is
    known; ``sha256`` and ``size`` are of the bytes that were sent. ``flagged``: it was answered as
    one with another trigger.
    """

    request_id: str
    key: str | None
    upstream: Said
    instead: Said
    sha256: str
    size: int
    flagged: bool = False


@dataclass(frozen=True, eq=False)
class Noted:
    """A suspect that is kept. ``caller`` is whose image showed it first, ``callers`` who all did.

    It was ``seen`` in so many images.
    """

    id: str
    suspect: Suspect
    source: Source
    caller: str
    first_seen_at: datetime
    last_seen_at: datetime
    seen: int = 1
    callers: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Untold:
    """What the other workers haven't been told: new ones, who has seen which, which are gone."""

    new: tuple[Noted, ...] = ()
    seen: Mapping[tuple[str, str], int] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Say if there is anything."""
        return bool(self.new or self.seen or self.gone)


class Suspects:
    """One worker's copy of the suspects; ``clock`` tells the store's time."""

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        lives: timedelta = LIVES,
        most: int = MOST_KEPT,
    ) -> None:
        self.clock = clock
        self.lives = lives
        self._most = most
        self._noted: dict[str, Noted] = {}
        self._oldest = datetime.max.replace(tzinfo=UTC)  # when any of them was last seen; all ask
        self._listed: tuple[Noted, ...] | None = ()
        self._new: deque[Noted] = deque(maxlen=MOST_WAITING)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._gone: set[str] = set()

    def entries(self) -> tuple[Noted, ...]:
        """Return those that are kept, the last seen first; no I/O."""
        if self._noted and (since := self.clock() - self.lives) >= self._oldest:
            self._take({i: n for i, n in self._noted.items() if n.last_seen_at > since})
        if self._listed is None:
            noted = self._noted.values()
            self._listed = tuple(sorted(noted, key=lambda one: (one.last_seen_at, one.id))[::-1])
        return self._listed

    def likely(self) -> tuple[Noted, ...]:
        """Return those of them that something speaks for: most others are of clean images."""
        shown = (one for one in self.entries() if one.suspect.is_likely or one.suspect.is_whole)
        return tuple(shown)

    def note(self, suspects: Iterable[Suspect], source: Source, caller: str) -> tuple[Noted, ...]:
        """Keep *suspects* of an image of *caller*; return them."""
        now = self.clock()
        new = tuple(
            Noted(
                f"s-{secrets.token_hex(6)}", one, source, caller, now, now, 1, frozenset({caller})
            )
            for one in suspects
        )
        self._new.extend(new)
        self._take(kept_of({**self._noted, **{one.id: one for one in new}}, self._most))
        return new

    def see(self, ids: Iterable[str], caller: str) -> tuple[Noted, ...]:
        """Count another image, of *caller*, that shows those of *ids*; return what they were."""
        was = tuple(self._noted[i] for i in ids if i in self._noted)
        if not was:  # as nearly always
            return ()
        now = self.clock()
        changed = dict(self._noted)
        for one in was:
            callers = one.callers | {caller}
            changed[one.id] = replace(one, last_seen_at=now, seen=one.seen + 1, callers=callers)
            self._seen[one.id, caller] += 1
        self._take(changed)
        return was

    def forget(self, ids: Iterable[str]) -> None:
        """Drop those of *ids*: they have become a trigger."""
        gone = set(ids)
        self._gone |= gone
        self._take({i: one for i, one in self._noted.items() if i not in gone})

    def untold(self) -> Untold:
        """Return what the others haven't been told."""
        return Untold(tuple(self._new), dict(self._seen), frozenset(self._gone))

    def told(self, untold: Untold, kept: Mapping[str, Noted]) -> None:
        """Take what all workers *kept* when they had been told of *untold*.

        What was noted here meanwhile stays.
        """
        told = {one.id for one in untold.new}
        while self._new and self._new[0].id in told:
            self._new.popleft()
        self._seen -= Counter(dict(untold.seen))
        self._gone -= untold.gone
        taken = {**kept, **{one.id: one for one in self._new}}
        self._take({i: one for i, one in self._with_untold(taken).items() if i not in self._gone})

    def _with_untold(self, taken: Mapping[str, Noted]) -> dict[str, Noted]:
        """Return those that are *taken*, seen in the images as well that nobody was told of."""
        all_seen = dict(taken)
        for (noted_id, caller), count in self._seen.items():
            one, own = all_seen.get(noted_id), self._noted.get(noted_id)
            if one is not None and own is not None:
                last = max(one.last_seen_at, own.last_seen_at)
                callers = one.callers | {caller}
                all_seen[noted_id] = replace(
                    one, last_seen_at=last, seen=one.seen + count, callers=callers
                )
        return all_seen

    def known(self) -> Mapping[str, Noted]:
        """Return those that are kept, by their ids."""
        return self._noted

    def _take(self, noted: dict[str, Noted]) -> None:
        self._noted = noted
        self._oldest = min((one.last_seen_at for one in noted.values()), default=self._oldest)
        self._listed = None


def kept_of(noted: Mapping[str, Noted], most: int) -> dict[str, Noted]:
    """Return the *most* of them that are kept: of the caller who has most his oldest go first.

    Of the class of which he has most. `library.shared.lua.suspects` says the same in Lua.
    """
    left = dict(noted)
    while len(left) > most:
        callers = Counter(one.caller for one in left.values())
        caller = callers.most_common(1)[0][0]
        targets = Counter(one.suspect.target for one in left.values() if one.caller == caller)
        target = targets.most_common(1)[0][0]
        own = (
            one for one in left.values() if one.caller == caller and one.suspect.target == target
        )
        del left[min(own, key=lambda one: (one.last_seen_at, one.id)).id]
    return left
