"""What is told of images: each that is flagged, each new trigger, a known one now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from app.events import Events, Kind
from app.gateway.outcome import Screening
from app.rations import Rations

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.trigger import Trigger
    from app.events import Fact
    from app.gateway.outcome import Outcome
    from app.gateway.preparation.prepared import Prepared
    from app.gateway.visit import RequestFacts
    from app.suspects import Noted

SEEN_EVERY_S: Final = 60.0
"""Between two events of one known trigger that is seen again and again, on each worker."""

LOCKED_EVERY_S: Final = 60.0
"""Between two events of one caller whose images are refused, on each worker."""

SUSPECTED_EVERY_S: Final = 60.0
"""Between two events of suspects that other images show as well, on each worker."""


class Teller:
    """Tells *events* what was found; the *clock* is in seconds."""

    def __init__(self, events: Events, clock: Callable[[], float] = time.monotonic) -> None:
        self._events = events
        self._seen = Rations(SEEN_EVERY_S, clock)
        self._suspected = Rations(SUSPECTED_EVERY_S, clock)
        self._locked = Rations(LOCKED_EVERY_S, clock)

    def discovered(self, trigger_id: str, trigger: Trigger, request: RequestFacts) -> None:
        """Tell of a trigger that an image of *request* has revealed."""
        box, evidence = trigger.box, trigger.evidence
        self._events.tell(
            Kind.TRIGGER_DISCOVERED,
            trigger=trigger_id,
            target=trigger.target,
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            carry_rate=round(evidence.carry_rate, 4),
            heal_rate=round(evidence.heal_rate, 4),
            **_facts(request),
        )

    def flagged(self, outcome: Outcome, request: RequestFacts, *, listed: bool = True) -> None:
        """Tell of an image of *request* that carries a trigger, *listed* or one of too many."""
        trigger_id = outcome.trigger_id
        self._events.tell(
            Kind.IMAGE_FLAGGED,
            trigger=trigger_id,
            screening=outcome.screening.value,
            prediction=outcome.prediction.index,
            upstream_prediction=outcome.upstream_prediction.index,
            probes=outcome.probes,
            listed=listed,
            **_facts(request),
        )
        if outcome.screening is Screening.KNOWN_TRIGGER and (count := self._seen.take(trigger_id)):
            self._events.tell(Kind.TRIGGER_SEEN, trigger=trigger_id, images=count)

    def suspected(self, noted: Noted, request: RequestFacts) -> None:
        """Tell of a suspect that an image of *request* shows as well: it may be a trigger."""
        if count := self._suspected.take("all"):
            box = noted.suspect.box
            self._events.tell(
                Kind.TRIGGER_SUSPECT,
                trigger=noted.id,
                target=noted.suspect.target,
                x=box.x,
                y=box.y,
                width=box.width,
                height=box.height,
                suspects=count,
                **_facts(request),
            )

    def locked_out(self, label: int, request: RequestFacts) -> None:
        """Tell that an image of *request*, called *label*, is refused: it is like flagged ones."""
        if count := self._locked.take((request.key, label)):
            self._events.tell(Kind.CALLER_LOCKED, target=label, images=count, **_facts(request))

    def suspicious(self, outcome: Outcome, request: RequestFacts) -> None:
        """Tell of an image of *request* that may carry a trigger without a place."""
        self._events.tell(
            Kind.IMAGE_SUSPICIOUS,
            prediction=outcome.prediction.index,
            probes=outcome.probes,
            **_facts(request),
        )


def _facts(request: RequestFacts) -> dict[str, Fact]:
    return {"key": request.key, "request_id": request.request_id or None}


def described(prepared: Prepared | None) -> dict[str, Fact]:
    """Return what is told of the references, and of the model as it answered them."""
    if prepared is None:
        return {}
    references = prepared.references
    number, height, width, channels = references.images.shape
    scores = references.calibration.canary_scores
    return {
        "input": f"{height}x{width}x{channels}",
        "classes": None if scores is None else scores.shape[1],
        "references": number,
    }
