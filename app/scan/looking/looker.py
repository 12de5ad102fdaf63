"""One process of a scan: from the bytes of pictures to what is said of each."""

from __future__ import annotations

import asyncio
import pickle
from collections import ChainMap
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.detection.defence import Finding
from app.detection.defence import Verdict as Found
from app.gateway.admission.turns import Turns
from app.gateway.keeping.learning import Learner
from app.gateway.policy import prediction
from app.gateway.searching.driving import Driver
from app.gateway.searching.examination import Examiner, unexamined
from app.gateway.visit import Visit
from app.ports import Arrival, UpstreamError
from app.scan.looking.comparer import Comparer
from app.scan.looking.patience import Patience, Patient
from app.scan.looking.tasks import Asked, Examined, Knowledge, Looks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.search import Answers, Image
    from app.gateway.outcome import Prediction
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.gateway.searching.driving import Driven
    from app.ports import Entry, Model, TriggerLibrary
    from app.scan.looking.comparer import Decoding
    from app.scan.looking.tasks import Look, Task

NO_ANSWER: Final = "no answer without the trigger, or more inferences than one image may cost"


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
        self._patience = Patience()
        self._model = Patient(model, self._patience)
        self._prepared = prepared
        self._policy = policy
        self._comparer = Comparer(model.size, decoding, prepared.references)
        self._library = library
        self._driver = Driver(self._model, policy.patience_s, Turns(pause=0))
        self._version = -1

    async def look(self, task: Task) -> Looks:
        """Return what there is to say of each picture of *task*. Raises UpstreamError."""
        if task.version != self._version:
            self._learn(pickle.loads(task.knowledge))  # noqa: S301  # our own process has made it
        read = await asyncio.to_thread(self._comparer.read, task)
        rates: dict[str, float] = {}
        looks = await asyncio.gather(*(self._look(one, task, rates) for one in read))
        if self._patience.lost is not None:
            raise self._patience.lost
        return Looks(looks, rates)

    def _learn(self, knowledge: Knowledge) -> None:
        library = self._library(knowledge.entries)
        learner = Learner(library, self._model, self._policy.strategy)
        self._examiner = Examiner(
            self._prepared, library, self._policy, learner, suspects=knowledge.suspects
        )
        self._comparer.know(knowledge.entries, knowledge.suspects)
        self._version = knowledge.version

    async def _look(self, read: Look | Asked, task: Task, rates: dict[str, float]) -> Look:
        """Look at one picture; *rates* get those that it has measured, if it carries a trigger.

        It begins with those of its *task* alone: else it would depend on what this process has
        looked at before.
        """
        if not isinstance(read, Asked):
            return read
        measured = ChainMap[str, float]({}, task.rates)  # type: ignore[arg-type]  # only read
        examiner = replace(self._examiner, prepared=self._prepared.apart(measured))
        image, visit = read.image, Visit(Arrival(read.image))
        searching, before = task.screened and examiner.searching, 0
        try:
            if read.suspected and not searching:
                said = await self._driver.drive(unexamined(image), visit)
                searching, before = int(said.result.labels[0]) in read.suspected, said.probes
            search = examiner.examine(image, screened=searching)
            driven = await self._driver.drive(search, visit)
            if (doubted := _doubted(driven.result)) is not None and examiner.searching:
                others = [one for one in examiner.library.entries() if one.id != doubted]
                searching, before = True, before + driven.probes
                alone = replace(examiner, library=self._library(others))
                driven = await self._driver.drive(alone.examine(image, screened=True), visit)
        except UpstreamError as exc:
            return Examined(Found.UNDECIDED, None, None, before, searching, reason=str(exc))
        look = _examined(image, driven, searched=searching)
        if look.image is not None:
            rates |= measured.maps[0]
        return replace(look, inferences=look.inferences + before)


def _doubted(found: Finding) -> str | None:
    """Return which trigger a search is to tell again: known from one image, and seen in pieces.

    Its outline may have a stroke of that image. Strokes of a clean one, taken for copies of it or
    its halves, carry together, and the image needs them: a search, which a scan has the time for,
    asks for each place by itself.
    """
    if found.verdict is not Found.KNOWN or found.known is None or found.place is not None:
        return None
    return found.known.id if found.known.trigger.mask is None else None


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
        found.suspicious,
        found.suspects,
        found.proven_by,
    )


def _prediction(answers: Answers | None) -> Prediction | None:
    return None if answers is None else prediction(answers)
