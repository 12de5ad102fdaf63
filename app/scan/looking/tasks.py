"""What a process is asked to look at, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.detection.defence import Verdict
    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.suspect import Kept, Suspect
    from app.detection.trigger import Trigger
    from app.gateway.outcome import Prediction
    from app.ports import Entry
    from app.scan.sources.items import Content


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known at the beginning of a wave: triggers, suspects, and placebo rates.

    ``version`` grows whenever a trigger or a suspect comes, or a trigger is known better.
    """

    version: int = 0
    entries: Sequence[Entry] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    suspects: tuple[Kept, ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """Pictures to look at together: ``screened`` in full, or else compared with the triggers.

    ``knowledge`` is a pickled `Knowledge` of this ``version``: who has it already leaves it.
    ``rates`` are the placebo rates that are known by now.
    """

    contents: Sequence[Content]
    screened: bool
    version: int
    knowledge: bytes
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Unusable:
    """It is no picture that the gateway takes."""

    reason: str


@dataclass(frozen=True, eq=False)
class Asked:
    """An image that the model is to be asked about: whether it carries a known trigger.

    If it is called one of ``suspected`` it is screened in full: it shows a suspect as well.
    """

    image: Image
    suspected: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Passed:
    """None of the triggers and suspects is in it, as its pixels tell; the model wasn't asked."""


@dataclass(frozen=True, eq=False)
class Examined:
    """What the model's answers have shown, with so many ``inferences``.

    ``searched``: new triggers were looked for, too. ``image`` is what the model was asked about,
    where it carries a trigger. ``trigger`` is a new one, ``known`` the id of another one, ``place``
    where it lies. ``suspicious``: none was found, but it may carry one without a place.
    ``suspects`` are what may be triggers in it, ``proven_by`` the ids of those that have helped to
    prove the new one.
    """

    verdict: Verdict
    said: Prediction | None
    sanitised: Prediction | None
    inferences: int
    searched: bool
    image: Image | None = None
    trigger: Trigger | None = None
    known: str | None = None
    place: Box | None = None
    reason: str | None = None
    suspicious: bool = False
    suspects: tuple[Suspect, ...] = ()
    proven_by: tuple[str, ...] = ()


Look = Unusable | Passed | Examined


@dataclass(frozen=True, eq=False)
class Looks:
    """What a process says of a task: one look for each of its contents, and new placebo rates.

    These are of pictures with a trigger: others that carry it needn't measure them again.
    """

    looks: Sequence[Look]
    rates: Mapping[str, float] = field(default_factory=dict)
