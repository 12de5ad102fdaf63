"""One cell: a defence on a stream, recorded image by image."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.field.columns import Columns
from app.evaluation.field.models import FieldError
from app.evaluation.measures.overlap import overlap
from app.evaluation.measures.series import series
from app.evaluation.records import NO_ANSWER, Spent
from app.evaluation.runs.metering import Meter, metered
from app.evaluation.runs.trial import Trial, labels_of
from app.gateway.outcome import Screening
from app.gateway.searching.driving import Driver
from app.gateway.visit import Visit
from app.ports import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image
    from app.evaluation.baselines.opinions import Opinion
    from app.evaluation.field.defences import Other, Ours
    from app.evaluation.field.streams import FieldStream
    from app.evaluation.records import Run, Stamp
    from app.evaluation.subjects.subject import Subject
    from app.gateway.policy import Policy
    from app.settings import Strategy

GAUGED = 100
"""References that a line is drawn through, at most."""

FLAGGED, SUSPICIOUS, SUSPECTED = 3.0, 2.0, 1.0
"""Our scores: a trigger; one without a place; taken to confirmation, which it didn't stand."""

PLAIN = 20
"""Images by which a plain answer is timed."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a defence is measured: a model, a stream, a seed; ``stamp`` if the trigger has one."""

    subject: Subject
    field: FieldStream
    seed: int
    stamp: Stamp | None


@dataclass(frozen=True)
class Screens:
    """How ours is run: its ``policy`` by strategy, against triggers of up to ``trigger_max``."""

    policy: Callable[[Strategy], Policy]
    trigger_max: float


async def ours(
    defence: Ours, place: Place, screens: Screens, progress: Callable[[], None]
) -> Columns:
    """Return what one of our strategies does. Raises UpstreamError, ReferencesError."""
    subject, field = place.subject, place.field
    chosen = replace(screens.policy(defence.strategy), second_opinion=defence.second_opinion)
    trial = Trial(subject, field.stream, chosen, place.seed, trigger_max=screens.trigger_max)
    await trial.prepare()
    await trial.screen_all(progress)
    run = trial.record()
    seen = series(run)
    suspicious = np.array([word == Screening.SUSPICIOUS for word in seen.screening], bool)
    suspected = seen.flagged if seen.suspected is None else seen.suspected
    return Columns(
        poisoned=seen.poisoned,
        truth=seen.truth,
        right=seen.right,
        wanted=field.wanted,
        said=seen.said,
        answer=seen.answer,
        score=np.select(
            [seen.flagged, suspicious, suspected], [FLAGGED, SUSPICIOUS, SUSPECTED], 0.0
        ),
        flagged=seen.flagged | suspicious,
        inferences=seen.inferences,
        round_trips=seen.round_trips,
        seconds=seen.seconds,
        overlap=_overlap(run, place.stamp),
        preparation=run.prepared.inferences,
        plain_s=await _plain_s(subject),
    )


def _overlap(run: Run, stamp: Stamp | None) -> float | None:
    if stamp is None:
        return None
    return max((overlap(stamp, one.trigger) for one in run.found), default=0.0)


async def others(defence: Other, place: Place, progress: Callable[[], None]) -> Columns:
    """Return what another defence does. Raises UpstreamError, FieldError if it can't be run."""
    subject, field, seed = place.subject, place.field, place.seed
    looks = _Looks(defence, subject, seed)
    gauged = gauged_images(defence, subject, seed)
    scores = [(await looks.at(image, progress)).score for image in gauged]
    preparation = looks.spent.inferences
    line = defence.line(np.array(scores))
    opinions, spent = [], []
    for image in field.stream.images:
        looks.spent = Spent()
        opinions.append(await looks.at(image, progress))
        spent.append(looks.spent)
    score = np.array([one.score for one in opinions])
    flagged = score > line
    answer = np.array([one.answer for one in opinions], np.int64)
    return Columns(
        poisoned=field.stream.poisoned,
        truth=field.stream.labels,
        right=await labels_of(field.stream.clean, subject.model),
        wanted=field.wanted,
        said=np.array([one.said for one in opinions], np.int64),
        answer=answer if defence.corrects else np.where(flagged, NO_ANSWER, answer),
        score=score,
        flagged=flagged,
        inferences=np.array([one.inferences for one in spent]),
        round_trips=np.array([one.round_trips for one in spent]),
        seconds=np.array([one.seconds for one in spent]),
        overlap=None,
        preparation=preparation,
        plain_s=await _plain_s(subject),
    )


def gauged_images(defence: Other, subject: Subject, seed: int) -> list[Image]:
    """Return the references that the line is drawn through: none if it depends on none."""
    if not defence.gauged:
        return []
    order = np.random.default_rng(seed).permutation(len(subject.references))
    return list(subject.references[order[:GAUGED]])


class _Looks:
    """A defence at work: what it says of images, and what it has ``spent``."""

    def __init__(self, defence: Other, subject: Subject, seed: int) -> None:
        self.spent = Spent()
        self._defence = defence
        self._subject = subject
        self._rng = np.random.default_rng(seed)
        self._driver = Driver(subject.model, patience_s=3600)

    async def at(self, image: Image, progress: Callable[[], None]) -> Opinion:
        meter = Meter()
        search = metered(self._defence.look(image, self._subject.references, self._rng), meter)
        opinion = (await self._driver.drive(search, Visit(Arrival(image)))).result
        self.spent += sum(meter.spent.values(), Spent())
        if opinion is None:
            message = f"{self._subject.name}: the model gives no scores, which this defence needs"
            raise FieldError(message)
        progress()
        await asyncio.sleep(0)  # Ctrl-C is heard here
        return opinion


async def _plain_s(subject: Subject) -> float:
    """Return the seconds that the model takes for one image."""
    taken = []
    for image in subject.test[:PLAIN]:
        since = perf_counter()
        await subject.model.answer(image[None])
        taken.append(perf_counter() - since)
    return median(taken)
