"""What the gateway says of images and triggers, as it goes into JSON."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  # the OpenAPI document evaluates the annotations
from typing import TYPE_CHECKING

import orjson

from app.detection.evidence.weighing import total
from app.detection.trigger import Fill, Kind, Sign  # noqa: TC001  # as above
from app.gateway.outcome import Monitored, Outcome, Screening
from app.values import value_class
from app.web.answering.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.detection.geometry import Box
    from app.detection.trigger import Evidence
    from app.gateway.outcome import Prediction
    from app.ports import Entry, Tally


@dataclass(frozen=True)
class Labels:
    """The names of the classes, in the order of their indices; a class without one is its index."""

    names: tuple[str, ...] = ()
    server: Callable[[int], str | None] | None = None
    """The model server's own names, for classes that the owner has not named."""

    def __getitem__(self, index: int) -> str:
        """Return the name of the class *index*."""
        if index < len(self.names):
            return self.names[index]
        return (self.server and self.server(index)) or str(index)


class Verdict(enum.StrEnum):
    """The answer in one word, as in the header X-Neo-Verdict."""

    CLEAN = "clean"
    BACKDOOR = "backdoor"
    SUSPICIOUS = "suspicious"
    INCOMPLETE = "incomplete"
    PENDING = "pending"


@value_class(frozen=True, slots=False)
class PredictedClass:
    """A class; ``score`` is null where the upstream gives none."""

    label: str
    index: int
    score: float | None


@value_class(frozen=True, slots=False)
class PredictionAnswer:
    """The answer for one image; ``prediction`` is the sanitised one."""

    prediction: PredictedClass
    backdoor: bool
    upstream_prediction: PredictedClass
    trigger_id: str | None
    screening: Screening
    probes: int
    model: str
    request_id: str


@value_class(frozen=True, slots=False)
class MonitoredAnswer(PredictionAnswer):
    """The same in monitor mode: ``prediction`` is the upstream's own.

    ``would_answer`` is what `enforce` would have answered, null where it would have refused or
    where that isn't known.
    """

    would_answer: PredictedClass | None


@dataclass(frozen=True)
class TargetClass:
    """The class that a trigger leads to."""

    index: int
    label: str


@dataclass(frozen=True)
class BoxAnswer:
    """A rectangle of pixels; ``x``, ``y`` is its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class ImageSize:
    """The size of the images that the model takes."""

    width: int
    height: int


@dataclass(frozen=True)
class BlockerAnswer:
    """The patch that hides a trigger."""

    fill: Fill
    box: BoxAnswer


@dataclass(frozen=True)
class TermAnswer:
    """One term of the sum: the logarithm of how much likelier a trigger makes what was ``seen``."""

    sign: Sign
    weight: float
    seen: str


@dataclass(frozen=True)
class EvidenceAnswer:
    """Why it is called a trigger.

    ``carried`` of ``transplants`` on clean images became the target; clean images of the target
    carry it there at ``placebo_rate``, which ``placebo_assumed`` says is taken from other classes'
    images, since there are too few references of the target. Without it the image was of
    ``class_b``, which ``necessary`` confirms. ``novelty`` is its distance from what clean images
    show there, 1 being the 95th percentile of their own. ``seed`` is the number that its draw of
    references was made from, 0 if that isn't known any more. ``sum`` is that of the ``terms``, null
    where there are none: an older release, or the paper's algorithm, has found it.
    """

    carried: int
    transplants: int
    placebo_rate: float
    placebo_assumed: bool
    class_b: TargetClass | None
    necessary: bool
    novelty: float | None
    probes: int
    seed: int
    sum: float | None
    terms: tuple[TermAnswer, ...]


class TriggerState(enum.StrEnum):
    """Whether a trigger is in use."""

    ACTIVE = "active"
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class TriggerAnswer:
    """A trigger, and where its pictures are.

    ``source`` is a class that it acts on where it doesn't act alike on all classes. ``shared``: it
    is looked for in all callers' images, not in those of one caller alone, whose images proved it.
    ``alpha`` is the share by which the picture of a ``blended`` one is mixed into its box, all of
    the image or a place, which its ``blocker`` then doesn't hide: it is taken out. Null of a
    ``patch``.
    """

    id: str
    kind: Kind
    alpha: float | None
    state: TriggerState
    target: TargetClass
    source: TargetClass | None
    box: BoxAnswer
    image_size: ImageSize
    blocker: BlockerAnswer
    carry_rate: float
    heal_rate: float
    evidence: EvidenceAnswer
    discovered_at: datetime
    last_seen_at: datetime
    hits: int
    shared: bool
    image: str
    examples: str


@dataclass(frozen=True)
class OneTriggerAnswer(TriggerAnswer):
    """A trigger asked for by its id; a dismissed one can be restored."""

    dismissed: bool


class State(enum.StrEnum):
    """Whether a trigger has been found."""

    SEARCHING = "searching"
    FOUND = "found"


@dataclass(frozen=True)
class TriggersAnswer:
    """Triggers, newest first. ``state``: whether any is in use.

    Of the images ``answered``, ``screened`` were searched for new triggers to the end.
    """

    state: State
    answered: int
    screened: int
    flagged: int
    triggers: tuple[TriggerAnswer, ...]


def json_response(answer: object, headers: Mapping[str, str] | None = None) -> Whole:
    """Return *answer*, a dataclass, as JSON."""
    body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return Whole(body, {"Content-Type": "application/json", **(headers or {})})


def prediction_answer(
    outcome: Outcome, labels: Labels, model: str, request_id: str
) -> PredictionAnswer:
    """Return the answer for one image."""
    said = sanitised = _predicted(outcome.upstream_prediction, labels)
    if outcome.prediction is not outcome.upstream_prediction:
        sanitised = _predicted(outcome.prediction, labels)
    answer = PredictionAnswer(
        prediction=sanitised,
        backdoor=outcome.backdoor,
        upstream_prediction=said,
        trigger_id=outcome.trigger_id,
        screening=outcome.screening,
        probes=outcome.probes,
        model=model,
        request_id=request_id,
    )
    if not isinstance(outcome, Monitored):
        return answer
    would = None if outcome.would_answer is None else _predicted(outcome.would_answer, labels)
    return MonitoredAnswer(**vars(answer), would_answer=would)


def predicted(index: int, score: float | None, labels: Labels) -> PredictedClass:
    """Return the class *index* with its name."""
    return PredictedClass(labels[index], index, score)


def _verdict(screening: Screening) -> Verdict:
    match screening:
        case Screening.DISCOVERED | Screening.KNOWN_TRIGGER:
            return Verdict.BACKDOOR
        case Screening.SUSPICIOUS:
            return Verdict.SUSPICIOUS
        case Screening.CLEAR | Screening.PASSED | Screening.OFF:
            return Verdict.CLEAN
        case Screening.INCOMPLETE:
            return Verdict.INCOMPLETE
        case Screening.PENDING:
            return Verdict.PENDING


_VERDICTS = {one: _verdict(one) for one in Screening}
"""Kept, since each look at a member takes a sixth of a microsecond."""


def verdict(outcome: Outcome) -> Verdict:
    """Return *outcome* in one word."""
    return _VERDICTS[outcome.screening]


def triggers_answer(
    entries: tuple[Entry, ...], tally: Tally, labels: Labels, *, found: bool
) -> TriggersAnswer:
    """Return the answer with these *entries* of the library, in which any in use was *found*."""
    return TriggersAnswer(
        state=State.FOUND if found else State.SEARCHING,
        answered=answered_of(tally),
        screened=tally.screened,
        flagged=tally.flagged,
        triggers=tuple(trigger_answer(entry, labels) for entry in entries),
    )


def answered_of(tally: Tally) -> int:
    """Return how many images were answered; a release that doesn't count them may run beside."""
    return max(tally.answered, tally.screened, tally.flagged)


def trigger_answer(entry: Entry, labels: Labels) -> TriggerAnswer:
    """Return the answer for one trigger."""
    trigger = entry.trigger
    return TriggerAnswer(
        id=entry.id,
        kind=trigger.kind,
        alpha=None if trigger.alpha is None else round(trigger.alpha, 3),
        state=TriggerState.DISMISSED if entry.dismissed else TriggerState.ACTIVE,
        target=TargetClass(trigger.target, labels[trigger.target]),
        source=class_answer(trigger.source, labels),
        box=box_answer(trigger.box),
        image_size=ImageSize(trigger.image_width, trigger.image_height),
        blocker=BlockerAnswer(trigger.blocker.fill, box_answer(trigger.blocker.box)),
        carry_rate=trigger.evidence.carry_rate,
        heal_rate=trigger.evidence.heal_rate,
        evidence=evidence_answer(trigger.evidence, labels),
        discovered_at=entry.discovered_at,
        last_seen_at=entry.last_image_at,
        hits=entry.hits,
        shared=entry.only is None,
        image=f"/trigger/{entry.id}.png",
        examples=f"/trigger/{entry.id}/examples.png",
    )


def one_trigger_answer(entry: Entry, labels: Labels) -> OneTriggerAnswer:
    """Return the answer for a trigger that may be dismissed."""
    answer = trigger_answer(entry, labels)
    return OneTriggerAnswer(**vars(answer), dismissed=entry.dismissed)


def evidence_answer(evidence: Evidence, labels: Labels) -> EvidenceAnswer:
    """Return the answer for why something is called a trigger."""
    return EvidenceAnswer(
        carried=evidence.carried,
        transplants=evidence.transplants,
        placebo_rate=evidence.placebo,
        placebo_assumed=evidence.assumed,
        class_b=class_answer(evidence.class_b, labels),
        necessary=evidence.necessary,
        novelty=evidence.novelty,
        probes=evidence.probes,
        seed=evidence.seed,
        sum=rounded(total(evidence.terms)) if evidence.terms else None,
        terms=tuple(TermAnswer(t.sign, rounded(t.weight), t.seen) for t in evidence.terms),
    )


def rounded(weight: float) -> float:
    """Return a term's *weight* as it is told."""
    return round(weight, 2)


def class_answer(index: int | None, labels: Labels) -> TargetClass | None:
    """Return the class *index* with its name, if there is one."""
    return None if index is None else TargetClass(index, labels[index])


def _predicted(prediction: Prediction, labels: Labels) -> PredictedClass:
    return predicted(prediction.index, prediction.score, labels)


def box_answer(box: Box) -> BoxAnswer:
    """Return the answer for a rectangle."""
    return BoxAnswer(box.x, box.y, box.width, box.height)
