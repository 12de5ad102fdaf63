"""Why an attack wasn't caught, where that is known: a sentence below the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.settings import Strategy

if TYPE_CHECKING:
    from app.evaluation.rq1_detection import Detection

CAUGHT = 0.9
"""From this TPR on nothing needs to be explained."""

_EVERY_CLASS = (
    "`fast` looks for triggers that act on every class; it takes `full` to look for others"
)

_BY_KIND = {
    "blended": (
        "the pattern lies over the whole image. That is outside NEO's attack model: there is no"
        " place to find and to block"
    ),
    "large": "the trigger has a quarter of the image; looked for are those of up to --trigger-max",
}

_BY_KIND_FAST = {
    "two-piece": _EVERY_CLASS + ", and neither piece does anything alone",
    "source-specific": _EVERY_CLASS,
    "all-to-all": _EVERY_CLASS,
}


def reason(detection: Detection) -> str | None:
    """Return a sentence on why so few of the poisoned images were caught, None if many were."""
    rate = detection.flagged.tpr
    if rate is None or rate.value >= CAUGHT:
        return None
    case = detection.case
    caught = f"{case.subject}, {case.strategy}: {rate.hits} of {rate.of} caught"
    why = _why(case.attack or "", case.strategy)
    return f"{caught}: {why}." if why else f"{caught}."


def _why(kind: str, strategy: str) -> str | None:
    match strategy:
        case Strategy.OFF:
            return "a plain proxy flags nothing"
        case Strategy.PAPER:
            return _BY_KIND.get(kind) or (
                "NEO by the book keeps the first place that passes its confirmation, which may be"
                " a wrong one, and searches no more"
            )
        case Strategy.FAST:
            return _BY_KIND.get(kind) or _BY_KIND_FAST.get(kind)
        case _:
            return _BY_KIND.get(kind)
