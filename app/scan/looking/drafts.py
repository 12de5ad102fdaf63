"""Looks of a wave that isn't concluded yet, as JSON: what a crash leaves of it isn't asked again.

Those that show a trigger aren't kept: they are few, and what they hold is checked when it is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from app.detection.defence import Verdict
from app.detection.suspect import Kept
from app.gateway.outcome import Prediction
from app.kept import decode_suspects, encode_suspects
from app.scan.looking.tasks import Examined, Unusable

if TYPE_CHECKING:
    from app.scan.looking.tasks import Look


def encode_look(look: Look) -> bytes | None:
    """Return *look* as JSON, None where it isn't kept."""
    match look:
        case Unusable(reason=reason):
            return orjson.dumps({"unusable": reason})
        case Examined(image=None, trigger=None):
            return orjson.dumps(
                {
                    "verdict": look.verdict.name,
                    "said": look.said,
                    "sanitised": look.sanitised,
                    "inferences": look.inferences,
                    "searched": look.searched,
                    "reason": look.reason,
                    "suspicious": look.suspicious,
                    "suspects": encode_suspects(Kept("", one) for one in look.suspects).decode(),
                }
            )
        case _:
            return None


def decode_look(text: bytes) -> Look:
    """Return what `encode_look` was given."""
    facts = orjson.loads(text)
    if "unusable" in facts:
        return Unusable(facts["unusable"])
    return Examined(
        Verdict[facts["verdict"]],
        _prediction(facts["said"]),
        _prediction(facts["sanitised"]),
        facts["inferences"],
        facts["searched"],
        reason=facts["reason"],
        suspicious=facts["suspicious"],
        suspects=tuple(one.suspect for one in decode_suspects(facts["suspects"])),
    )


def _prediction(facts: dict[str, Any] | None) -> Prediction | None:
    return None if facts is None else Prediction(facts["index"], facts["score"])
