"""A trigger as an OCSF Detection Finding, which SIEMs take in, with MITRE ATLAS' ids.

Names of techniques change from one ATLAS to the next: so each has its id, and the version that the
ids are of.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from app.web.answering.incidents import IncidentAnswer
    from app.web.reporting.report import Report

OCSF_VERSION: Final = "1.8.0"
ATLAS_VERSION: Final = "5.6.0"


@dataclass(frozen=True)
class Attack:
    """A technique of ATLAS and its sub-technique, by their ids and by their names then."""

    technique: str
    technique_name: str
    uid: str
    name: str


ATTACKS: Final = (
    Attack("AML.T0043", "Craft Adversarial Data", "AML.T0043.004", "Insert Backdoor Trigger"),
    Attack("AML.T0018", "Manipulate AI Model", "AML.T0018.000", "Poison AI Model"),
)
"""What is done by who sends the image, and by who made the model."""

MOST_EVIDENCE: Final = 20
"""Incidents in the finding, the newest; all of them are in incidents.jsonl."""

SHA_256: Final = 3
"""OCSF's number for the algorithm."""


def finding(report: Report) -> dict[str, Any]:
    """Return the finding: a new one, or a suppressed one where the trigger is dismissed."""
    trigger, about = report.trigger, report.about
    status_id, status = (3, "Suppressed") if trigger.dismissed else (1, "New")
    first, last = _ms(trigger.discovered_at), _ms(trigger.last_seen_at)
    title = f"Backdoor trigger for class {trigger.target.label!r} in model {about.model!r}"
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200401,
        "type_name": "Detection Finding: Create",
        "time": _ms(about.made_at),
        "start_time": first,
        "end_time": last,
        "count": max(trigger.hits, 1),
        "severity_id": 4,
        "severity": "High",
        "confidence_id": 3,
        "confidence": "High",
        "status_id": status_id,
        "status": status,
        "is_alert": not trigger.dismissed,
        "message": title,
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["ai_operation"],
            "uid": trigger.id,
            "product": {
                "name": "NEO Gateway",
                "vendor_name": "NEO Gateway",
                "version": about.gateway_version,
            },
        },
        "finding_info": {
            "uid": trigger.id,
            "title": title,
            "desc": _description(report),
            "types": ["Backdoor trigger"],
            "created_time": first,
            "first_seen_time": first,
            "last_seen_time": last,
            "analytic": {"uid": "neo", "name": "NEO", "type": "Behavioral", "type_id": 2},
            "attacks": [_attack(one) for one in ATTACKS],
        },
        "ai_model": {
            "name": about.model,
            "ai_provider": "Unknown",
            "version": ", ".join(about.model_versions) or "Unknown",
        },
        "resources": [{"uid": about.model, "name": about.model, "type": "AI model"}],
        "evidences": [
            {"name": "trigger", "uid": trigger.id, "data": _evidence(report)},
            *(_file(one) for one in report.incidents[:MOST_EVIDENCE]),
        ],
        "remediation": {
            "desc": f"{report.consequence} Take the model back to a source that is trusted, or "
            "train it anew."
        },
    }


def _description(report: Report) -> str:
    why, trigger = report.trigger.evidence, report.trigger
    box, carried = trigger.box, f"{why.carried} of {why.transplants} clean images"
    if trigger.alpha is not None:
        whole = (box.width, box.height) == (trigger.image_size.width, trigger.image_size.height)
        where = f"{box.width} x {box.height} pixels at ({box.x}, {box.y})"
        where = "the whole image" if whole else where
        return (
            f"A picture mixed into {where} by {trigger.alpha:.0%} makes the model answer"
            f" {trigger.target.label!r}: on {carried}, at most {why.placebo_rate:.0%} with others"
            f" instead of it. Taking it out made {trigger.heal_rate:.0%} another class."
            f" {trigger.hits} images have carried it."
        )
    does = f"of clean images of that class does so on {why.placebo_rate:.0%}"
    if why.placebo_assumed:
        does = (
            f"of clean images of that class, of which there are too few, is taken to do so on"
            f" {why.placebo_rate:.0%}, as often as other classes' carry their own"
        )
    return (
        f"A patch of {box.width} x {box.height} pixels at ({box.x}, {box.y}) makes the model answer"
        f" {trigger.target.label!r}: on {carried}. The same place {does}. Covering it gave"
        f" {trigger.heal_rate:.0%} their own class back. {trigger.hits} images have carried it."
    )


def _attack(attack: Attack) -> dict[str, Any]:
    return {
        "version": ATLAS_VERSION,
        "technique": {"uid": attack.technique, "name": attack.technique_name},
        "sub_technique": {"uid": attack.uid, "name": attack.name},
    }


def _evidence(report: Report) -> dict[str, Any]:
    trigger = report.trigger
    told = asdict(trigger.evidence)
    return {"carry_rate": trigger.carry_rate, "heal_rate": trigger.heal_rate, **told}


def _file(incident: IncidentAnswer) -> dict[str, Any]:
    return {
        "name": "image",
        "uid": incident.id,
        "file": {
            "name": incident.sha256,
            "type_id": 1,
            "type": "Regular File",
            "size": incident.size,
            "hashes": [{"algorithm_id": SHA_256, "algorithm": "SHA-256", "value": incident.sha256}],
        },
        "data": {
            "request_id": incident.request_id,
            "key": incident.key,
            "time": incident.time,
            "upstream_prediction": asdict(incident.upstream_prediction),
            "prediction": asdict(incident.prediction),
        },
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
