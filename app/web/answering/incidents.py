"""What the gateway says of flagged images, and of what admins have done, as it goes into JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  # the OpenAPI document evaluates the annotations
from typing import TYPE_CHECKING

from app.incidents import Deed  # noqa: TC001  # as above
from app.web.answering.answers import (
    EvidenceAnswer,
    PredictedClass,
    evidence_answer,
    predicted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.trigger import Evidence
    from app.incidents import Act, Incident, Said
    from app.web.answering.answers import Labels


@dataclass(frozen=True)
class IncidentEvidence(EvidenceAnswer):
    """Why what the image carried is called a trigger, as it was known then.

    ``sum`` and ``terms`` are those of this image: why it is said to carry it.
    """

    carry_rate: float
    heal_rate: float


@dataclass(frozen=True)
class IncidentAnswer:
    """One image that carried a trigger.

    ``key`` is the name of its caller's key. ``prediction`` is the sanitised one. ``evidence`` is
    null where the library had no room for the trigger. ``sha256`` and ``size`` are of the file, or
    of a tensor's row, as it was sent. ``quarantine`` is where the image is kept. ``late``: its
    caller had been answered when it was flagged. ``unlisted`` counts the images of the same key and
    trigger, since the one listed before it, that were too many to be listed.
    """

    id: str
    time: datetime
    request_id: str
    key: str | None
    upstream_prediction: PredictedClass
    prediction: PredictedClass
    trigger_id: str
    screening: str
    evidence: IncidentEvidence | None
    sha256: str
    size: int
    quarantine: str | None
    mode: str
    late: bool
    unlisted: int


@dataclass(frozen=True)
class IncidentsAnswer:
    """Incidents, newest first; ``next`` is the cursor of those after them, null where none are."""

    incidents: tuple[IncidentAnswer, ...]
    next: str | None


@dataclass(frozen=True)
class ActAnswer:
    """What an admin has done to a trigger; ``by`` is the name of the key."""

    time: datetime
    deed: Deed
    trigger_id: str
    by: str | None
    request_id: str


@dataclass(frozen=True)
class AuditAnswer:
    """What admins have done, newest first."""

    acts: tuple[ActAnswer, ...]


def incidents_answer(found: Sequence[Incident], limit: int, labels: Labels) -> IncidentsAnswer:
    """Return the answer for the first *limit* of those *found*; any more are for the next page."""
    shown = found[:limit]
    following = shown[-1].id if len(found) > limit else None
    return IncidentsAnswer(tuple(incident_answer(one, labels) for one in shown), following)


def incident_answer(incident: Incident, labels: Labels) -> IncidentAnswer:
    """Return the answer for one incident."""
    evidence = incident.evidence
    return IncidentAnswer(
        id=incident.id,
        time=incident.at,
        request_id=incident.request_id,
        key=incident.key,
        upstream_prediction=_said(incident.upstream, labels),
        prediction=_said(incident.sanitised, labels),
        trigger_id=incident.trigger_id,
        screening=incident.screening,
        evidence=None if evidence is None else _evidence(evidence, labels),
        sha256=incident.sha256,
        size=incident.size,
        quarantine=incident.address,
        mode=incident.mode,
        late=incident.late,
        unlisted=incident.unlisted,
    )


def audit_answer(acts: Sequence[Act]) -> AuditAnswer:
    """Return the answer for what admins have done."""
    return AuditAnswer(
        tuple(ActAnswer(one.at, one.deed, one.trigger_id, one.by, one.request_id) for one in acts)
    )


def _said(said: Said, labels: Labels) -> PredictedClass:
    return predicted(said.index, said.score, labels)


def _evidence(evidence: Evidence, labels: Labels) -> IncidentEvidence:
    told = vars(evidence_answer(evidence, labels))
    return IncidentEvidence(**told, carry_rate=evidence.carry_rate, heal_rate=evidence.heal_rate)
