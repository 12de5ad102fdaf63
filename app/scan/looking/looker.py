"""One process of a scan: from the bytes of pictures to what is said of each."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image as Pillow

from app.detection.defence import Finding, Known
from app.detection.defence import Verdict as Found
from app.detection.recognising.comparing import may_carry
from app.gateway.admission.turns import Turns
from app.gateway.driving import Driver
from app.gateway.examination import Examiner
from app.gateway.learning import Learner
from app.gateway.policy import prediction
from app.gateway.visit import Visit
from app.pictures.decoding import Opened, PictureError, fitted, load
from app.ports import Arrival, UpstreamError
from app.scan.looking.patience import Patient
from app.scan.looking.tasks import Examined, Knowledge, Looks, Passed, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.search import Answers, Image
    from app.gateway.driving import Driven
    from app.gateway.outcome import Prediction
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Entry, Model, TriggerLibrary
    from app.scan.looking.tasks import Look, Task
    from app.scan.sources.items import Content
    from app.settings import Resize

NO_ANSWER: Final = "no answer without the trigger, or more inferences than one image may cost"


@dataclass(frozen=True)
class Decoding:
    """How pictures become the model's input: what the gateway's settings say."""

    max_pixels: int
    resize: Resize


class Looker:
    """Looks at pictures with *model*, prepared for; *library* makes one of entries."""

    def __init__(
        self,
        model: Model,
        prepared: Prepared,
        policy: Policy,
        decoding: Decoding,
        library: Callable[[Sequence[Entry]], TriggerLibrary],
    ) -> None:
        self._model = Patient(model)
        self._prepared = prepared
        self._policy = policy
        self._decoding = decoding
        self._library = library
        self._driver = Driver(self._model, policy.patience_s, Turns(pause=0))
        self._version = -1
        self._known: tuple[Known, ...] = ()
        self._told: set[str] = set()

    async def look(self, task: Task) -> Looks:
        """Return what there is to say of each picture of *task*. Raises UpstreamError."""
        if task.version != self._version:
            self._learn(pickle.loads(task.knowledge))  # noqa: S301  # our own process has made it
        read = await asyncio.to_thread(self._read, task)
        looks = await asyncio.gather(*(self._look(one, screened=task.screened) for one in read))
        if self._model.lost is not None:
            raise self._model.lost
        return Looks(looks, self._new_rates())

    def _learn(self, knowledge: Knowledge) -> None:
        library = self._library(knowledge.entries)
        learner = Learner(library, self._model, self._policy.strategy)
        self._examiner = Examiner(self._prepared, library, self._policy, learner)
        self._known = tuple(Known(entry.id, entry.trigger) for entry in knowledge.entries)
        self._version = knowledge.version
        self._prepared.references.placebo_rates.update(knowledge.rates)
        self._told.update(knowledge.rates)

    def _read(self, task: Task) -> list[Look | Image]:
        """Decode the pictures; those that are only to be compared, are."""
        read = [self._decoded(content) for content in task.contents]
        if task.screened:
            return read
        images = {i: one for i, one in enumerate(read) if isinstance(one, np.ndarray)}
        may = np.zeros(len(images), bool)
        if images and self._known:
            pixels = np.stack(list(images.values()))
            may = may_carry(pixels, self._known, self._prepared.references)
        for i, one_may in zip(images, may, strict=True):
            if not one_may:
                read[i] = Passed()
        return read

    def _decoded(self, content: Content) -> Look | Image:
        size, decoding = self._model.size, self._decoding
        try:
            if content.shape is None:
                return load(
                    content.body, size, max_pixels=decoding.max_pixels, resize=decoding.resize
                )
            pixels = np.frombuffer(content.body, np.uint8).reshape(content.shape)
            grey = content.shape[2] == 1
            picture = Pillow.fromarray(pixels[:, :, 0] if grey else pixels)
            return fitted(Opened(picture), size, decoding.resize)
        except PictureError as exc:
            return Unusable(str(exc))

    async def _look(self, read: Look | Image, *, screened: bool) -> Look:
        if not isinstance(read, np.ndarray):
            return read
        searching = screened and self._examiner.searching
        search = self._examiner.examine(read, screened=searching)
        try:
            driven = await self._driver.drive(search, Visit(Arrival(read)))
        except UpstreamError as exc:
            return Examined(Found.UNDECIDED, None, None, 0, searching, reason=str(exc))
        return _examined(read, driven, searched=searching)

    def _new_rates(self) -> dict[str, float]:
        rates = dict(self._prepared.references.placebo_rates)
        new = {name: rate for name, rate in rates.items() if name not in self._told}
        self._told.update(new)
        return new


def _examined(image: Image, driven: Driven[Finding], *, searched: bool) -> Examined:
    found = driven.result
    flagged = found.verdict in {Found.KNOWN, Found.DISCOVERED}
    reason = None
    if found.verdict is Found.UNDECIDED:
        reason = NO_ANSWER if driven.cut_off is None else str(driven.cut_off)
    return Examined(
        found.verdict,
        _prediction(found.said),
        _prediction(None if reason else found.sanitised),
        driven.probes,
        searched,
        image if flagged else None,
        found.trigger,
        found.known.id if found.known is not None else None,
        found.place or (found.trigger.box if found.trigger is not None else None),
        reason,
    )


def _prediction(answers: Answers | None) -> Prediction | None:
    return None if answers is None else prediction(answers)
