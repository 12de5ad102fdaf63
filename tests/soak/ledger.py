"""What is counted, and under which fault."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from app.web.answering.problems import KINDS, MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.requests import Said
    from tests.soak.scene import Shown

KNOWN_AFTER_S = 0.1
"""From a trigger's confirmation until each worker must know it."""

POLICY_STATUSES = frozenset({429, 502, 503, 504})
POLICY_KINDS = {kind.type for kind in KINDS.values() if kind.status in POLICY_STATUSES}
CALM = "no fault yet"


@dataclass
class Episode:
    """One fault: when it began, when it was put right; in seconds of the run's clock."""

    name: str
    start: float
    end: float | None = None


@dataclass(frozen=True)
class Note:
    """Something that must not happen."""

    at: float
    what: str
    fault: str


@dataclass
class Ledger:
    """The run's counts so far."""

    began: float = field(default_factory=time.monotonic)
    sent: int = 0
    images: int = 0
    answered: int = 0
    poisoned: int = 0
    flagged: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    wrong: list[Note] = field(default_factory=list)
    unflagged: list[Note] = field(default_factory=list)
    false_alarms: list[Note] = field(default_factory=list)
    unstated: Counter[tuple[str, str]] = field(default_factory=Counter)
    hostile_answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    good: list[float] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    known: dict[int, float] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    @property
    def fault(self) -> str:
        """The last fault, which is under way or whose consequences may be."""
        return self.episodes[-1].name if self.episodes else CALM

    def take(self, sent: float, shown: Sequence[Shown], said: Sequence[Said]) -> None:
        """Judge the answers to images that were *sent* then."""
        self.answered += 1
        self.good.append(self.now)
        for image, answer in zip(shown, said, strict=True):
            self._judge(sent, image, answer)

    def refuse(self, status: int, content_type: str, body: bytes) -> None:
        """Count an answer other than 200: stated by the failure policy, or not."""
        kind = _stated(status, content_type, body)
        if kind is None:
            text = body[:80].decode(errors="replace")
            self.fail(f"{status}: {text}")
        else:
            self.refused[kind, self.fault] += 1

    def fail(self, what: str) -> None:
        """Count what no client should see."""
        self.unstated[what, self.fault] += 1

    def hostile(self, status: int, answer: bytes) -> None:
        """Count what a client that means no good was answered; status 0: how it was cut off."""
        name = str(status) if status else answer.decode()
        self.hostile_answers[name, self.fault] += 1
        if status == 500:
            self.fail("500 to a hostile client")

    def _judge(self, sent: float, shown: Shown, said: Said) -> None:
        self.images += 1
        right = said.label == shown.truth
        if shown.trigger is None:
            if said.flagged:
                self._note(self.false_alarms, f"class {shown.truth}, answered {said.label}")
            if not right:
                self._note(self.wrong, f"clean, class {shown.truth}, answered {said.label}")
            return
        self.poisoned += 1
        confirmed = self.known.get(shown.trigger)
        if said.flagged:
            self.flagged += 1
            self.known.setdefault(shown.trigger, self.now)
            if not right:
                what = f"trigger {shown.trigger}, class {shown.truth}, answered {said.label}"
                self._note(self.wrong, what)
        elif confirmed is not None and sent > confirmed + KNOWN_AFTER_S:
            self._note(self.unflagged, f"trigger {shown.trigger}, known since {confirmed:.1f} s")
        else:
            self.missed["known for less" if confirmed else "not known before"] += 1

    def _note(self, notes: list[Note], what: str) -> None:
        notes.append(Note(self.now, what, self.fault))


def _stated(status: int, content_type: str, body: bytes) -> str | None:
    """Return the kind of a refusal that the contract states; None if it doesn't."""
    if status not in POLICY_STATUSES:
        return None
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match fields:
        case {"type": str(kind), "status": int(told)} if content_type == MEDIA_TYPE:
            return kind.rpartition(":")[2] if kind in POLICY_KINDS and told == status else None
        case {"error": str()}:  # the drop-in's form
            return f"drop-in {status}"
        case _:
            return None
