"""One strategy on one stream, in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Purpose
from app.evaluation.records import NO_ANSWER, Found, Run, Screened
from app.evaluation.runs.metering import Meter, MeteredModel, metered
from app.gateway.examples import make_examples
from app.gateway.keeping.learning import Learner
from app.gateway.keeping.suspecting import Watch
from app.gateway.outcome import Outcome, Screening, UnscreenedError
from app.gateway.policy import prediction
from app.gateway.preparation.prepared import Calibrator
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driver
from app.gateway.searching.examination import Examiner, unexamined
from app.gateway.visit import Visit
from app.ports import Arrival
from app.settings import Strategy
from app.suspects import Suspects
from app.wiring import library_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Answers, Image, Images
    from app.evaluation.records import Stream
    from app.evaluation.subjects.subject import Subject
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Entry, InputSize, Model

ASKED_AT_ONCE = 64


class Trial:
    """The policy's strategy on *stream*, with a trigger library of its own in memory.

    ``screened`` grows image by image. The same *seed* draws the same probes. Every image is
    screened: the policy's probe budget is not looked at.
    """

    def __init__(
        self, subject: Subject, stream: Stream, policy: Policy, seed: int, *, trigger_max: float
    ) -> None:
        self.screened: list[Screened] = []
        self._subject = subject
        self._stream = stream
        self._policy = policy
        self._seed = seed
        self._trigger_max = trigger_max
        self._model = MeteredModel(subject.model)
        self._driver = Driver(subject.model, policy.patience_s)
        self._library, self._store = library_in_memory(seed)
        self._learner = Learner(self._library, self._model, policy.strategy)
        self._watch = Watch(Suspects())
        self._prepared: Prepared | None = None
        self._right: NDArray[np.int64] = np.empty(0, np.int64)
        self._found: dict[str, Found] = {}

    async def prepare(self) -> None:
        """Ask for the right answers and calibrate the references.

        Raises UpstreamError, or ReferencesError if they don't fit the model.
        """
        self._right = await labels_of(self._stream.clean, self._subject.model)
        if self._policy.strategy is not Strategy.OFF:
            self._prepared = await self._calibrator().prepare()

    async def screen_all(self, progress: Callable[[], None]) -> None:
        """Screen the stream, image by image; *progress* is called after each.

        Raises UpstreamError; what was screened until then stays.
        """
        for image in self._stream.images:
            self.screened.append(await self._screened(image))
            await self._learner.settle()
            await self._look_for_news()
            progress()
            await asyncio.sleep(0)  # a model in this process never waits: Ctrl-C is heard here

    def record(self) -> Run:
        """Return what is known by now; any time after `prepare`."""
        attack = self._subject.attack
        return Run(
            model=self._subject.name,
            attack=attack.name if attack else None,
            strategy=self._policy.strategy,
            seed=self._seed,
            stream=self._stream,
            stamps=attack.stamps if attack else (),
            right=self._right,
            screened=tuple(self.screened),
            found=tuple(self._found.values()),
            prepared=self._model.spent,
        )

    def _calibrator(self) -> Calibrator:
        def references(_: InputSize) -> Images:
            return self._subject.references

        return Calibrator(
            self._model,
            self._store,
            references,
            identity=self._subject.name,
            trigger_max=self._trigger_max,
            strategy=self._policy.strategy,
            second_opinion=self._policy.second_opinion,
        )

    async def _screened(self, image: Image) -> Screened:
        meter = Meter()
        if self._prepared is None:
            said = prediction(await self._plain_answer(image, meter))
            return _noted(Outcome(said, said, Screening.OFF, None, 1), meter)
        visit = Visit(Arrival(image))
        examiner = Examiner(
            self._prepared,
            self._library,
            self._policy,
            self._learner,
            lookout=self._watch.of(visit, ""),
        )
        return await self._examined(visit, examiner, meter)

    async def _plain_answer(self, image: Image, meter: Meter) -> Answers:
        search = metered(unexamined(image), meter)
        return (await self._driver.drive(search, Visit(Arrival(image)))).result

    async def _examined(self, visit: Visit, examiner: Examiner, meter: Meter) -> Screened:
        """Do with the image of *visit* what the gateway does with it."""
        image = visit.image
        searching = examiner.searching
        search = metered(examiner.examine(image, screened=searching), meter)
        driven = await self._driver.drive(search, visit)
        try:
            return _noted(await concluded(image, driven, examiner, screened=searching), meter)
        except UnscreenedError:
            return _refused(driven.result.said, meter)

    async def _look_for_news(self) -> None:
        """Keep what the library knows now of each trigger, with examples made by the model."""
        if self._prepared is None:
            return
        for entry in reversed(self._library.entries()):
            earlier = self._found.get(entry.id)
            if earlier is None or earlier.trigger is not entry.trigger:
                first_seen = earlier.first_seen if earlier else len(self.screened) - 1
                self._found[entry.id] = await self._as_found(entry, first_seen, self._prepared)

    async def _as_found(self, entry: Entry, first_seen: int, prepared: Prepared) -> Found:
        made = await make_examples(entry.trigger, prepared.references, self._subject.model)
        examples = zip(
            made.clean,
            made.stamped,
            made.clean_answers.labels.tolist(),
            made.stamped_answers.labels.tolist(),
            strict=True,
        )
        return Found(entry.id, entry.trigger, first_seen, tuple(examples))


async def labels_of(images: Images, model: Model) -> NDArray[np.int64]:
    """Return what *model* says of each of *images*. Raises UpstreamError."""
    parts = [images[i : i + ASKED_AT_ONCE] for i in range(0, len(images), ASKED_AT_ONCE)]
    answers = [(await model.answer(part)).labels for part in parts]
    return np.concatenate(answers)


def _noted(outcome: Outcome, meter: Meter) -> Screened:
    return Screened(
        said=outcome.upstream_prediction.index,
        answer=outcome.prediction.index,
        flagged=outcome.backdoor,
        suspected=Purpose.CONFIRM in meter.purposes,
        screening=outcome.screening,
        trigger_id=outcome.trigger_id,
        spent=dict(meter.spent),
        shared=meter.shared,
        cpu_s=meter.cpu_s,
    )


def _refused(said: Answers | None, meter: Meter) -> Screened:
    return Screened(
        said=NO_ANSWER if said is None else int(said.labels[0]),
        answer=NO_ANSWER,
        flagged=False,
        suspected=Purpose.CONFIRM in meter.purposes,
        screening=Screening.INCOMPLETE,
        trigger_id=None,
        spent=dict(meter.spent),
        shared=meter.shared,
        cpu_s=meter.cpu_s,
    )
