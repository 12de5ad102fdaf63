"""Streams through the search and the second opinion: what is blended in is found, and taken out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.command.candidates import usual_policy
from app.evaluation.records import Stream
from app.evaluation.runs.trial import Trial
from app.evaluation.subjects.subject import Subject as Evaluated
from app.gateway.outcome import Screening
from app.settings import SearchMode, Settings, Strategy
from tests.benchmarks.detection.subject import Classifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.records import Run
    from tests.benchmarks.opinion.subjects import Subject

RATE = 0.01
"""NEO_SECOND_OPINION_FPR."""

POISONED = 0.25
"""Share of a stream."""


@dataclass(frozen=True)
class StreamRow:
    """What one stream showed; *flipped* are its images that the attack flips."""

    kind: str
    model: str
    secret: int
    flipped: int
    suspicious: int
    """Of the flipped ones."""
    first: int | None
    """With which of the flipped ones it was found, counted from 1; None if it wasn't."""
    after: int
    """Flipped ones after that."""
    flagged: int
    right: int
    """Of those after it: flagged, and answered as the model answers without the trigger."""
    clean: int
    clean_flagged: int
    clean_suspicious: int
    inferences: float
    """Of a clean image, in the mean."""
    triggers: Sequence[str]
    """Each that was found: its kind and target."""


async def streamed(subject: Subject, secret: int, images: int) -> StreamRow:
    """Send a stream of so many *images* of *subject* through a gateway in this process."""
    stream = _stream(subject, secret, images)
    trigger_max: float = Settings.model_fields["trigger_max"].default
    policy = usual_policy(Strategy.FULL, SearchMode.CONTINUE, trigger_max)
    evaluated = Evaluated(
        name=subject.model.name,
        model=Classifier(subject.model),
        references=subject.references,
        test=subject.images,
        labels=subject.labels,
        class_names=tuple(subject.model.meta["classes"]),
        attack=None,
    )
    policy = replace(policy, second_opinion=RATE)
    trial = Trial(evaluated, stream, policy, secret, trigger_max=trigger_max)
    await trial.prepare()
    await trial.screen_all(lambda: None)
    return counted(subject.kind, trial.record())


def _stream(subject: Subject, secret: int, images: int) -> Stream:
    rng = np.random.default_rng(secret)
    order = rng.permutation(len(subject.images))[:images]
    clean, labels = subject.images[order], subject.labels[order]
    poisoned = rng.random(len(clean)) < POISONED
    sent = clean.copy()
    if subject.attack is None:
        return Stream(sent, clean, labels, np.zeros(len(clean), bool))
    poisoned &= labels != subject.attack.target
    sent[poisoned] = subject.attack.stamped(clean[poisoned])
    return Stream(sent, clean, labels, poisoned)


def counted(kind: str, run: Run) -> StreamRow:
    """Return what *run* shows of a model of this *kind*."""
    seen, poisoned = run.screened, run.stream.poisoned
    flipped = poisoned & ([one.said for one in seen] != run.right)
    flagged = np.array([one.flagged for one in seen])
    suspicious = np.array([one.screening is Screening.SUSPICIOUS for one in seen])
    right = np.array([one.answer for one in seen]) == run.right
    hits = np.flatnonzero(flipped & flagged)
    after = flipped & (np.arange(len(seen)) > (hits[0] if len(hits) else len(seen)))
    spent = [one.total.inferences for one in seen]
    return StreamRow(
        kind=kind,
        model=run.model,
        secret=run.seed,
        flipped=int(flipped.sum()),
        suspicious=int(suspicious[flipped].sum()),
        first=int(flipped[: hits[0] + 1].sum()) if len(hits) else None,
        after=int(after.sum()),
        flagged=int(flagged[after].sum()),
        right=int(right[after].sum()),
        clean=int((~poisoned).sum()),
        clean_flagged=int(flagged[~poisoned].sum()),
        clean_suspicious=int(suspicious[~poisoned].sum()),
        inferences=float(np.mean(np.array(spent)[~poisoned])),
        triggers=[f"{one.trigger.kind.value} {one.trigger.target}" for one in run.found],
    )
