"""Pictures that were flagged, and who is locked out of asking for others like them."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from app import metrics
from app.detection.suspect import Kept
from app.gateway.keeping.suspecting import said_of
from app.gateway.outcome import LockedOutError
from app.incidents import Said
from app.settings import Strategy
from app.suspects import Source, Suspects

if TYPE_CHECKING:
    from app.detection.defence import Finding
    from app.detection.search import Answers
    from app.gateway.keeping.telling import Teller
    from app.gateway.policy import Policy
    from app.gateway.visit import RequestFacts
    from app.suspects import Noted

LASTS: Final = timedelta(minutes=15)
"""Since the last flagged picture. Who sends two and waits, so that he is never locked out, takes 60
hours for 500; an honest picture of that class in the same scene waits no longer."""

MOST_OWN: Final = 32
"""Pictures of one caller that an image is compared with, those that most were like, then the last
ones: 11 ms. So others, one of each, take no place of those by which he is locked out."""


class Lockout:
    """Keeps small copies of flagged *pictures* of each caller, none longer than `LASTS`.

    *after* so many of them, what is like them and gets the class that they got is refused.
    """

    def __init__(self, after: int, pictures: Suspects, teller: Teller | None = None) -> None:
        self.after = after
        self._pictures = pictures
        self._teller = teller
        self._entries: tuple[Noted, ...] = ()  # every image asks
        self._own: dict[str, tuple[Kept, ...]] = {}

    def own(self, caller: str) -> tuple[Kept, ...]:
        """Return the pictures of *caller*: else he would have others' refused."""
        entries = self._pictures.entries()
        if self._entries is not entries:
            self._entries, self._own = entries, {}
        if not entries:  # as nearly always
            return ()
        if caller not in self._own:
            own = sorted(
                (one for one in entries if one.caller == caller), key=lambda one: -one.seen
            )
            self._own[caller] = tuple(
                Kept(one.id, one.suspect, one.caller, one.seen) for one in islice(own, MOST_OWN)
            )
        return self._own[caller]

    def keep(self, finding: Finding, request: RequestFacts, caller: str) -> None:
        """Keep the picture of *finding*, which was flagged; or count the one that it is like."""
        self._pictures.see(finding.pictures_seen, caller)
        if finding.picture is not None and finding.said is not None:
            source = _source(finding.said, finding.picture.source, request)
            self._pictures.note([finding.picture], source, caller)

    def refused(self, finding: Finding, request: RequestFacts) -> LockedOutError:
        """Count and tell that the image of *finding* is refused; return the error for its caller.

        What it is like stays as it was: nobody locks himself out for longer by asking again.
        """
        metrics.LOCKED_OUT.inc()
        if self._teller is not None and finding.said is not None:
            self._teller.locked_out(int(finding.said.labels[0]), request)
        seconds = max(math.ceil(self._ends_in_s(finding.pictures_seen)), 1)
        minutes = math.ceil(seconds / 60)
        message = (
            f"{self.after} pictures like this one, or more, carried a trigger a moment ago, so it"
            f" isn't answered; without another one it is in {minutes} min"
        )
        return LockedOutError(message, seconds)

    def _ends_in_s(self, ids: tuple[str, ...]) -> float:
        """Return when fewer than so many of the pictures of *ids* are left, in seconds from now."""
        names, count = set(ids), 0
        for one in self._pictures.entries():  # the last seen first
            count += one.seen if one.id in names else 0
            if count >= self.after:
                return (one.last_seen_at + LASTS - self._pictures.clock()).total_seconds()
        return 0.0


def lockout(policy: Policy, pictures: Suspects | None, teller: Teller | None) -> Lockout | None:
    """Return the lockout by *policy*, of the *pictures* that all workers share; None if it is off.

    The paper's algorithms are as they are.
    """
    if policy.lockout_after == 0 or policy.strategy is Strategy.PAPER:
        return None
    return Lockout(policy.lockout_after, pictures or Suspects(lives=LASTS), teller)


def _source(said: Answers, answered: int | None, request: RequestFacts) -> Source:
    """Return what is told of an image that was flagged: there is an incident of it."""
    upstream = said_of(said)
    instead = upstream if answered is None else Said(answered, None)
    return Source(request.request_id, request.key, upstream, instead, "", 0, flagged=True)
