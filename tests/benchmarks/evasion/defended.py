"""The gateway's defence in this process: a fresh library each time, one calibration."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from app.evaluation.attacks.marks import stamped
from app.evaluation.command.candidates import usual_policy
from app.gateway.conclusion import concluded
from app.gateway.driving import Driver
from app.gateway.examination import Examiner
from app.gateway.learning import Learner
from app.gateway.outcome import UnscreenedError
from app.gateway.preparation.prepared import Calibrator
from app.gateway.visit import Visit
from app.library.memory import MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import SearchMode, Settings, Strategy
from app.wiring import library_in_memory
from tests.benchmarks.evasion.attempt import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Images
    from app.evaluation.records import Stamp
    from app.evaluation.subjects.subject import Subject
    from app.gateway.preparation.prepared import Prepared
    from app.ports import InputSize

TRIGGER_MAX: float = Settings.model_fields["trigger_max"].default


@dataclass(frozen=True)
class Answer:
    """What a client hears, and the inferences that it took.

    ``label`` is None where the image was refused.
    """

    label: int | None
    flagged: bool
    inferences: int


class Defence:
    """A deployment with a secret of its own in front of a model, its references calibrated."""

    def __init__(self, subject: Subject, prepared: Prepared) -> None:
        self.subject = subject
        self.prepared = prepared
        self.policy = usual_policy(Strategy.FULL, SearchMode.CONTINUE, TRIGGER_MAX)
        self.driver = Driver(subject.model, self.policy.patience_s)

    @classmethod
    async def prepare(cls, subject: Subject, seed: int) -> Defence:
        """Calibrate the references with the secret *seed*."""

        def references(_: InputSize) -> Images:
            return subject.references

        _, store = library_in_memory(seed)
        calibrator = Calibrator(
            subject.model,
            store,
            references,
            identity=subject.name,
            trigger_max=TRIGGER_MAX,
            strategy=Strategy.FULL,
        )
        return cls(subject, await calibrator.prepare())


class Session:
    """A defence with a library, which learns from the images."""

    def __init__(self, defence: Defence, library: MemoryTriggerLibrary) -> None:
        self._driver = defence.driver
        learner = Learner(library, defence.subject.model, defence.policy.strategy)
        self._examiner = Examiner(defence.prepared, library, defence.policy, learner)

    async def answer(self, image: Image) -> Answer:
        """Answer *image* as the gateway does."""
        search = self._examiner.examine(image, screened=True)
        driven = await self._driver.drive(search, Visit(Arrival(image)))
        await asyncio.sleep(0)  # a model in this process never waits: Ctrl-C is heard here
        try:
            outcome = await concluded(image, driven, self._examiner, screened=True)
        except UnscreenedError:
            return Answer(None, flagged=False, inferences=driven.probes)
        await self._examiner.learner.settle()
        return Answer(outcome.prediction.index, outcome.backdoor, driven.probes)


async def library_of(
    triggers: Sequence[Trigger], dismissed: Sequence[Trigger] = ()
) -> MemoryTriggerLibrary:
    """Return a library that knows *triggers*, newest first, and of which *dismissed* were older."""
    library = MemoryTriggerLibrary()
    for trigger in dismissed:
        await library.dismiss((await library.register(trigger)).id)
    for trigger in reversed(triggers):
        await library.register(trigger)
    return library


def as_entry(stamp: Stamp, wanted: int, shape: tuple[int, ...]) -> Trigger:
    """Return *stamp* as a gateway would keep it that found it on images (h, w, c) of *shape*."""
    box = box_of(stamp)
    image = stamped(np.zeros(shape, np.uint8), [stamp])
    return Trigger(
        target=wanted,
        source=None,
        box=box,
        patch=image[box.rows, box.columns],
        mask=stamp.rgba[..., 3] > 0,
        blocker=Blocker(box, Fill.RING),
        natural=0.0,
        image_height=shape[0],
        image_width=shape[1],
        evidence=Evidence(10, 10, placebo=0.0, heal_rate=1.0, probes=300, seed=0),
    )
