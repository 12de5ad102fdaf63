"""Which search one image gets: by the strategy, and by what the library knows meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from app.detection import paper
from app.detection.blended.recognising import may_be_in
from app.detection.blended.screening_twice import screened_for_blends, screened_twice
from app.detection.defence import Defence, Finding, Known, Progress, Verdict
from app.detection.origins import WHOLE
from app.detection.recognising.stamping import verified
from app.detection.screening import screen
from app.detection.search import Probe
from app.detection.suspects.lockout import locked, with_picture
from app.events import Events
from app.gateway.keeping.telling import Teller
from app.gateway.preparation.library_check import ACTS
from app.gateway.visit import UNTOLD, RequestFacts
from app.settings import SearchMode, Strategy
from app.values import value_class

if TYPE_CHECKING:
    from app.detection.search import Answers, Image, Search
    from app.detection.suspect import Kept
    from app.detection.trigger import Trigger
    from app.gateway.keeping.learning import Learner
    from app.gateway.keeping.locking import Lockout
    from app.gateway.keeping.suspecting import Lookout
    from app.gateway.outcome import Outcome
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Entry, TriggerLibrary


DRAW_BYTES = 6
"""Of the number that a draw is made from: what JavaScript still reads exactly."""


class Flagged(Protocol):
    """Hears of an image that was flagged; *late*: when its caller had been answered."""

    def __call__(self, outcome: Outcome, /, *, late: bool) -> bool:
        """Hear of it; return whether it is listed, and not one of too many."""
        ...


@value_class(frozen=True, eq=False)
class Examiner:
    """What the examination of an image works with; ``caller`` is whose it is, if that is known.

    ``selected``: its request selects what the model server computes, so that what the examination
    shows is true for everybody only once the model has shown it without that.
    """

    prepared: Prepared
    library: TriggerLibrary
    policy: Policy
    learner: Learner
    caller: str = ""
    lookout: Lookout | None = None
    lockout: Lockout | None = None
    suspects: tuple[Kept, ...] = ()
    selected: bool = False
    request: RequestFacts = UNTOLD
    teller: Teller = field(default_factory=lambda: Teller(Events()))
    flagged: Flagged = field(default=lambda _, *, late: True)  # noqa: ARG005  # as it is called

    async def is_everybodys(self, trigger: Trigger) -> bool:
        """Return whether *trigger* acts on the model as all callers have it. Raises UpstreamError.

        Only a request that selects something may have found another one.
        """
        if not self.selected:
            return True
        again = verified(trigger, self.prepared.references, self.prepared.plan)
        return (await self.learner.ask(again)).evidence.carry_rate >= ACTS

    def entries(self) -> tuple[Entry, ...]:
        """Return the triggers that this caller's images are examined for, newest first."""
        return _of_caller(self.library.entries(), self.caller)

    @property
    def searching(self) -> bool:
        """Whether new triggers are looked for; the paper's algorithm stops at the first."""
        stops = self.policy.search is SearchMode.STOP or self.policy.strategy is Strategy.PAPER
        return not (stops and self.entries())

    def examine(
        self, image: Image, *, screened: bool, progress: Progress | None = None
    ) -> Search[Finding]:
        """Look for known triggers in *image*, and for new ones if it is to be *screened*.

        A trigger that is confirmed elsewhere while this goes on is looked for in the end: until the
        answer is given it may be one that the image carries. What is known meanwhile stands in
        *progress* (not of the paper's algorithm).
        """
        known, progress = self.entries(), progress or Progress()
        finding = yield from self._screen(image, known, progress, screened=screened)
        suspicious = finding.suspicious
        while late := self._late(finding, known):
            if finding.verdict is Verdict.UNDECIDED:
                return replace(finding, exposed=True)
            finding = yield from self._screen(image, late, progress, screened=False)
            known = (*known, *late)
        if suspicious and finding.verdict is Verdict.CLEAR:
            finding = replace(finding, suspicious=True)
        return self._beside_flagged(image, finding)

    def undecided(self, image: Image, progress: Progress, known: tuple[Entry, ...]) -> Finding:
        """Return what an examination of *image* that has come so far says, unless it goes on.

        It began with the triggers *known*.
        """
        finding = progress.undecided
        finding = replace(finding, exposed=True) if self._late(finding, known) else finding
        return self._beside_flagged(image, finding)

    def _beside_flagged(self, image: Image, finding: Finding) -> Finding:
        """Return *finding* beside the caller's flagged pictures: with one more, or locked out.

        Nobody is by a trigger that was dismissed or has expired.
        """
        lockout, said = self.lockout, finding.said
        if lockout is None or said is None:
            return finding
        own, references = lockout.own(self.caller), self.prepared.references
        if finding.known is not None or finding.verdict is Verdict.DISCOVERED:
            return with_picture(image, finding, own, references)
        label = int(said.labels[0])
        if own and any(entry.trigger.target == label for entry in self.entries()):
            return locked(image, finding, own, lockout.after, references)
        return finding

    def _screen(
        self, image: Image, entries: tuple[Entry, ...], progress: Progress, *, screened: bool
    ) -> Search[Finding]:
        references, plan = self.prepared.references, self.prepared.plan
        known = _known(entries)
        if self.policy.strategy is Strategy.PAPER and (screened or known):
            parameters = self.policy.paper
            return paper.screen(image, references, known, parameters, _draw(image, references.seed))
        draw = _draw(image, references.seed) if screened else None
        dismissed = _dismissed(self.library.dismissed())
        suspects = self.suspects if self.lookout is None else self.lookout.kept()
        suspects = suspects if screened else ()
        defence = Defence(references, plan, known, dismissed, draw, suspects, self.caller)
        search = screen(image, defence, progress)
        lens, rate = self.prepared.lens, self.policy.second_opinion
        if lens is not None and rate is not None and draw is not None:
            return screened_twice(image, search, lens, rate, draw, defence, progress)
        if may_be_in(image, known):  # also where no opinion is formed: what is known is blocked
            return screened_for_blends(image, search, defence, progress)
        return search

    def _late(self, finding: Finding, known: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return the triggers, not *known* at the start, that may have made the model's answer."""
        if finding.said is None or finding.verdict not in {Verdict.CLEAR, Verdict.UNDECIDED}:
            return ()
        if self.library.entries() is known:  # as long as nothing changes
            return ()
        label, ids = int(finding.said.labels[0]), {entry.id for entry in known}
        return tuple(
            entry
            for entry in self.entries()
            if entry.id not in ids and entry.trigger.may_answer(label)
        )


@lru_cache(maxsize=64)
def _of_caller(entries: tuple[Entry, ...], caller: str) -> tuple[Entry, ...]:
    if all(entry.counts_for(caller) for entry in entries):
        return entries
    return tuple(entry for entry in entries if entry.counts_for(caller))


@lru_cache(maxsize=4)
def _known(entries: tuple[Entry, ...]) -> tuple[Known, ...]:
    """Return the triggers of *entries* as the core knows them, those with most hits first."""
    often = sorted(entries, key=lambda entry: -entry.hits)
    return tuple(Known(entry.id, entry.trigger) for entry in often)


@lru_cache(maxsize=4)
def _dismissed(entries: tuple[Entry, ...]) -> tuple[Known, ...]:
    """Return those of *entries*, which their owner has dismissed, as the core knows them."""
    return tuple(Known(entry.id, entry.trigger) for entry in entries)


def unexamined(image: Image) -> Search[Answers]:
    """Ask for the model's answer and no more."""
    return (yield Probe(image[None], origins=[WHOLE]))


def _draw(image: Image, seed: int) -> int:
    # The draw depends on the image and a secret: the same image again gets the same verdict, and
    # no attacker can plan for it. It is told in the evidence, and doesn't tell the secret.
    key = seed.to_bytes(16, signed=True)
    digest = hashlib.blake2b(image.tobytes(), digest_size=DRAW_BYTES, key=key).digest()
    return int.from_bytes(digest)
