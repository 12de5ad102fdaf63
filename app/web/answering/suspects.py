"""What the gateway says of suspects, as it goes into JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  # the OpenAPI document evaluates the annotations
from typing import TYPE_CHECKING

from app.detection.evidence.weighing import total
from app.web.answering.answers import (
    BoxAnswer,
    ImageSize,
    TargetClass,
    TermAnswer,
    box_answer,
    class_answer,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.suspects import Noted
    from app.web.answering.answers import Labels


@dataclass(frozen=True)
class SuspectEvidence:
    """What speaks for it: the ``sum`` of ``terms`` that was not enough."""

    sum: float
    terms: tuple[TermAnswer, ...]


@dataclass(frozen=True)
class SuspectAnswer:
    """What may be a trigger.

    Without it its first image was of class ``source``; null where it seemed to act on all classes.
    It was ``seen`` in so many images, of so many ``callers``. ``request_id`` is the request of the
    first one.
    """

    id: str
    target: TargetClass
    source: TargetClass | None
    box: BoxAnswer
    image_size: ImageSize
    evidence: SuspectEvidence
    seen: int
    callers: int
    first_seen_at: datetime
    last_seen_at: datetime
    request_id: str
    image: str


@dataclass(frozen=True)
class SuspectsAnswer:
    """Suspects, the last seen first."""

    suspects: tuple[SuspectAnswer, ...]


def suspects_answer(noted: Sequence[Noted], labels: Labels) -> SuspectsAnswer:
    """Return the answer for these."""
    return SuspectsAnswer(tuple(_answer(one, labels) for one in noted))


def _answer(noted: Noted, labels: Labels) -> SuspectAnswer:
    suspect = noted.suspect
    terms = tuple(TermAnswer(t.sign, rounded(t.weight), t.seen) for t in suspect.terms)
    return SuspectAnswer(
        id=noted.id,
        target=TargetClass(suspect.target, labels[suspect.target]),
        source=class_answer(suspect.source, labels),
        box=box_answer(suspect.box),
        image_size=ImageSize(suspect.image_width, suspect.image_height),
        evidence=SuspectEvidence(rounded(total(suspect.terms)), terms),
        seen=noted.seen,
        callers=len(noted.callers),
        first_seen_at=noted.first_seen_at,
        last_seen_at=noted.last_seen_at,
        request_id=noted.source.request_id,
        image=f"/suspects/{noted.id}.png",
    )
