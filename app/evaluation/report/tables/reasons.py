"""Why an attack wasn't caught, where that is known: a sentence below the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.settings import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.evaluation.experiments.rq1_detection import Detection

CAUGHT = 0.9
"""At this TPR and above there is nothing to explain."""

FOOLED = 0.5
"""Where fewer of the poisoned images than this fool the model, there is hardly an attack."""

_UNKNOWN = "no region was found that carries the attacker's class and loses it when blocked"

_EVERY_CLASS = "`fast` only looks for triggers that act on every class; `full` looks for others too"

_MOVING = (
    "the trigger is in another place in each image, so knowing it helps little: each image has to"
    " reveal it anew"
)

_BY_KIND = {
    "blended": (
        "the pattern lies over the whole image, which is outside NEO's attack model: there is no"
        " region to find and to block"
    ),
    "moving": _MOVING,
    "large": "the trigger covers a quarter of the image, more than --trigger-max lets it look for",
}

_BY_KIND_FAST = {
    "two-piece": f"neither piece does anything alone, and {_EVERY_CLASS}",
    "source-specific": _EVERY_CLASS,
    "all-to-all": _EVERY_CLASS,
}


def reasons(detection: Detection) -> Iterator[str]:
    """Return sentences on what was not caught, and on images that got no answer."""
    rate, case = detection.flagged.tpr, detection.case
    if rate is not None and rate.value < CAUGHT:
        why = _not_fooled(detection) or _why(case.attack or "", case.strategy)
        yield f"{case.subject}, {case.strategy}: {rate.hits:,} of {rate.of:,} caught: {why}."
    if detection.refused:
        refused = f"{detection.refused:,} of {detection.images:,} images"
        yield (
            f"{case.subject}, {case.strategy}: {refused} got no answer:"
            " they may carry a known trigger, and it couldn't be ruled out or blocked."
        )


def _not_fooled(detection: Detection) -> str | None:
    rate = detection.attack_success
    if rate is None or rate.value >= FOOLED:
        return None
    return f"the model's answer changes in {rate.hits} of {rate.of}, so it is hardly an attack"


def _why(kind: str, strategy: str) -> str:
    match strategy:
        case Strategy.OFF:
            return "a plain proxy flags nothing"
        case Strategy.PAPER:
            return _BY_KIND.get(kind) or (
                "NEO by the book keeps the first region that passes its confirmation, which may be"
                " a wrong one, and stops searching"
            )
        case Strategy.FAST:
            return _BY_KIND.get(kind) or _BY_KIND_FAST.get(kind, _UNKNOWN)
        case _:
            return _BY_KIND.get(kind, _UNKNOWN)
