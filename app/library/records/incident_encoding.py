"""Incidents, and what admins have done, as bytes and back; decoding takes nothing on trust."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import orjson

from app.incidents import ID, Act, Deed, Incident, Said
from app.library.records.basics import EncodingError, decode_time, encode_time
from app.library.records.reading import LARGEST
from app.library.records.trigger_encoding import evidence_fields, evidence_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ACT: Final = b"act"
"""The field that an act is in."""


def encode_incident(incident: Incident) -> bytes:
    """Return all of *incident* but its id, which has its time in it."""
    evidence = incident.evidence
    return orjson.dumps(
        {
            "request_id": incident.request_id,
            "key": incident.key,
            "upstream": [incident.upstream.index, incident.upstream.score],
            "sanitised": [incident.sanitised.index, incident.sanitised.score],
            "trigger": incident.trigger_id,
            "screening": incident.screening,
            "evidence": None if evidence is None else evidence_fields(evidence),
            "sha256": incident.sha256,
            "size": incident.size,
            "mode": incident.mode,
            "address": incident.address,
            "late": incident.late,
            "unlisted": incident.unlisted,
        }
    )


def decode_incident(incident_id: str, data: bytes) -> Incident:
    """Return the incident of this id that *data* is. Raises EncodingError."""
    moment = ID.fullmatch(incident_id)
    match _parsed(data):
        case {
            "request_id": str(request_id),
            "key": str() | None as key,
            "upstream": upstream,
            "sanitised": sanitised,
            "trigger": str(trigger_id),
            "screening": str(screening),
            "evidence": evidence,
            "sha256": str(sha256),
            "size": int(size),
            "mode": str(mode),
            "address": str() | None as address,
            "late": bool(late),
            "unlisted": int(unlisted),
        } if moment and 0 <= size <= LARGEST and 0 <= unlisted <= LARGEST:
            return Incident(
                incident_id,
                decode_time(int(moment[1])),
                request_id,
                key,
                _said(upstream),
                _said(sanitised),
                trigger_id,
                screening,
                None if evidence is None else evidence_of(evidence),
                sha256,
                size,
                mode,
                address,
                late,
                unlisted,
            )
        case _:
            raise EncodingError(what="incident")


def encode_act(act: Act) -> bytes:
    """Return *act* as bytes."""
    return orjson.dumps(
        {
            "at": encode_time(act.at),
            "deed": act.deed.value,
            "trigger": act.trigger_id,
            "by": act.by,
            "request_id": act.request_id,
        }
    )


def decode_act(fields: Mapping[bytes, bytes]) -> Act:
    """Return the act in an item of a stream. Raises EncodingError."""
    match _parsed(fields.get(ACT, b"")):
        case {
            "at": int(at),
            "deed": str(deed),
            "trigger": str(trigger_id),
            "by": str() | None as by,
            "request_id": str(request_id),
        } if deed in list(Deed):
            return Act(decode_time(at), Deed(deed), trigger_id, by, request_id)
        case _:
            raise EncodingError(what="act")


def _said(fields: object) -> Said:
    match fields:
        case [int(index), float() | int() | None as score] if 0 <= index < LARGEST:
            if score is None or math.isfinite(score):
                return Said(index, score)
    raise EncodingError(what="prediction")


def _parsed(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise EncodingError(what="JSON") from exc
