"""Which search one image gets: by the strategy, and by what the library knows meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection import paper
from app.detection.defence import Defence, Finding, Verdict
from app.detection.recognising.presence import Known
from app.detection.screening import screen
from app.detection.search import Probe
from app.settings import SearchMode, Strategy

if TYPE_CHECKING:
    from app.detection.search import Answers, Image, Search
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Entry, TriggerLibrary


_NO_CHANCE = np.random.default_rng(0)
"""For a screen that looks for known triggers only: it draws nothing."""

DRAW_BYTES = 6
"""Of the number that a draw is made from: what JavaScript still reads exactly."""


@dataclass(frozen=True, eq=False)
class Examiner:
    """What the examination of an image works with."""

    prepared: Prepared
    library: TriggerLibrary
    policy: Policy

    @property
    def searching(self) -> bool:
        """Whether new triggers are looked for; the paper's algorithm stops at the first."""
        stops = self.policy.search is SearchMode.STOP or self.policy.strategy is Strategy.PAPER
        return not (stops and self.library.entries())

    def examine(self, image: Image, *, screened: bool) -> Search[Finding]:
        """Look for known triggers in *image*, and for new ones if it is to be *screened*.

        A trigger that is confirmed elsewhere while this goes on is looked for in the end: until the
        answer is given it may be one that the image carries.
        """
        known = self.library.entries()
        finding = yield from self._screen(image, known, screened=screened)
        while late := self._late(finding, known):
            if finding.verdict is Verdict.UNDECIDED:
                return replace(finding, exposed=True)
            finding = yield from self._screen(image, late, screened=False)
            known = (*known, *late)
        return finding

    def _screen(
        self, image: Image, entries: tuple[Entry, ...], *, screened: bool
    ) -> Search[Finding]:
        prepared = self.prepared
        known = _known(entries)
        dismissed = [entry.trigger for entry in self.library.dismissed()]
        defence = Defence(prepared.references, prepared.plan, known, dismissed, screened)
        paper_needs_chance = self.policy.strategy is Strategy.PAPER and bool(known)
        if not screened and not paper_needs_chance:
            return screen(image, defence, _NO_CHANCE)
        draw = _draw(image, prepared.references.seed)
        rng = np.random.default_rng(draw)
        if self.policy.strategy is Strategy.PAPER:
            return paper.screen(image, prepared.references, known, self.policy.paper, rng)
        return _noting_draw(draw, screen(image, defence, rng))

    def _late(self, finding: Finding, known: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return the triggers, not *known* at the start, that may have made the model's answer."""
        if finding.said is None or finding.verdict not in {Verdict.CLEAR, Verdict.UNDECIDED}:
            return ()
        label, ids = int(finding.said.labels[0]), {entry.id for entry in known}
        return tuple(
            entry
            for entry in self.library.entries()
            if entry.id not in ids and entry.trigger.may_answer(label)
        )


@lru_cache(maxsize=4)
def _known(entries: tuple[Entry, ...]) -> tuple[Known, ...]:
    """Return the triggers of *entries* as the core knows them: the same for the same entries."""
    return tuple(Known(entry.id, entry.trigger) for entry in entries)


def unexamined(image: Image) -> Search[Answers]:
    """Ask for the model's answer and no more."""
    return (yield Probe(image[None]))


def _noting_draw(draw: int, search: Search[Finding]) -> Search[Finding]:
    """Write into a discovery's evidence the draw that repeats it: the seed itself stays secret."""
    finding = yield from search
    if finding.trigger is None:
        return finding
    evidence = replace(finding.trigger.evidence, seed=draw)
    return replace(finding, trigger=replace(finding.trigger, evidence=evidence))


def _draw(image: Image, seed: int) -> int:
    # The draw depends on the image and a secret: the same image again gets the same verdict, and
    # no attacker can plan for it.
    key = seed.to_bytes(16, signed=True)
    digest = hashlib.blake2b(image.tobytes(), digest_size=DRAW_BYTES, key=key).digest()
    return int.from_bytes(digest)
