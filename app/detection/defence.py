"""What a screen needs to know, and what it says."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from app.detection.matching import core, likeness
from app.values import value_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.geometry import Box
    from app.detection.matching import Likeness
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Answers
    from app.detection.suspect import Kept, Suspect
    from app.detection.trigger import Term, Trigger


class Verdict(enum.Enum):
    """What a screen found."""

    CLEAR = enum.auto()
    DISCOVERED = enum.auto()
    KNOWN = enum.auto()
    UNDECIDED = enum.auto()


@dataclass(frozen=True, eq=False)
class Known:
    """A trigger of the library, by its name there."""

    id: str
    trigger: Trigger

    @cached_property
    def likeness(self) -> Likeness:
        """What it looks like."""
        return likeness(self.trigger)

    @cached_property
    def core(self) -> Likeness:
        """What is looked for: without its edge, if it may lie on anything.

        That is if it moves, and as long as it was seen on one image alone.
        """
        seen_anywhere = self.trigger.moves or self.trigger.mask is None
        return core(self.trigger) if seen_anywhere else self.likeness


@value_class(frozen=True, eq=False)
class Finding:
    """What a screen concludes of one image.

    ``said`` is the classifier's one answer for the image as it came (None if it was refused before
    that), ``sanitised`` the one to give: for a trigger, that of the blocked image. ``trigger`` is a
    new one, ``known`` one of the library. ``exposed``: undecided before the known triggers that it
    may carry were ruled out. ``place`` is where the known one lies,
    ``terms`` are those of the sum that speaks for it. ``suspicious``: nothing was found, but the
    image may carry a trigger without a place. ``suspects`` are what may be triggers in it,
    ``suspects_seen`` the ids of those of other images that it shows as well, and ``proven_by`` of
    those that have helped to prove ``trigger``. ``picture`` is what is kept of an image that was
    flagged; ``pictures_seen`` are the ids of those that it is like, the likest first. ``locked``:
    it is like too many, so that it is undecided though nothing was found in it.
    """

    verdict: Verdict
    said: Answers | None
    sanitised: Answers | None
    trigger: Trigger | None = None
    known: Known | None = None
    exposed: bool = False
    place: Box | None = None
    terms: tuple[Term, ...] = ()
    suspicious: bool = False
    suspects: tuple[Suspect, ...] = ()
    suspects_seen: tuple[str, ...] = ()
    proven_by: tuple[str, ...] = ()
    picture: Suspect | None = None
    pictures_seen: tuple[str, ...] = ()
    locked: bool = False


@dataclass
class Progress:
    """How far a screen has come, for whoever looks while it goes on.

    ``said`` and ``exposed`` are those of the `Finding` that it would conclude now. ``suspicious``:
    something in the image is being confirmed as a new trigger, or located. ``probes`` counts as
    `Evidence.probes` does.
    """

    said: Answers | None = None
    exposed: bool = True
    suspicious: bool = False
    probes: int = 0

    @property
    def undecided(self) -> Finding:
        """What is concluded if nothing more is asked."""
        return Finding(Verdict.UNDECIDED, self.said, self.said, exposed=self.exposed)


@value_class(frozen=True, eq=False)
class Defence:
    """All that a screen needs to know beside the image."""

    references: References
    plan: Plan
    known: Sequence[Known]
    dismissed: Sequence[Known]
    """What its owner has said is no trigger: it isn't found again."""
    draw: int | None
    """What chance is made from where new triggers are looked for; None: only known ones are."""
    suspects: Sequence[Kept] = ()
    """What other images made likely, those seen last first."""
    caller: str = ""
    """Whose image is examined, if that is known: what he has shown is told from others' then."""
