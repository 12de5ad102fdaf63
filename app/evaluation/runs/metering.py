"""What a search and a preparation cost: counted as the probes go by."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter, process_time
from typing import TYPE_CHECKING, TypeVar

from app.detection.search import Probe, Refused, advance, refuse
from app.evaluation.records import Spent
from app.ports import NOBODY

if TYPE_CHECKING:
    from app.detection.search import Answers, Done, Images, Purpose, Search
    from app.ports import Caller, InputSize, Model

T = TypeVar("T")


class Meter:
    """What one image cost.

    ``spent`` is by purpose: seconds are those of thinking a probe up, asking it, and concluding
    from it where it is the last. Of what is asked for all only the seconds are in it; its
    images are in ``shared``. ``purposes`` are those that the image itself was asked about for.
    ``cpu_s`` is the CPU time of the search's own steps, the model's not in it.
    """

    def __init__(self) -> None:
        self.spent: defaultdict[Purpose, Spent] = defaultdict(Spent)
        self.shared = 0
        self.cpu_s = 0.0
        self.purposes: set[Purpose] = set()
        self._since = perf_counter()

    def note(self, probe: Probe) -> None:
        """Count *probe*, which was answered just now."""
        self.shared += probe.for_all
        if probe.own:
            self.purposes.add(probe.purpose)
            self.spent[probe.purpose] += Spent(probe.own, 1)
        self.pass_time(probe.purpose)

    def pass_time(self, purpose: Purpose) -> None:
        """Charge *purpose* with the time that has passed since the last call."""
        now = perf_counter()
        self.spent[purpose] += Spent(seconds=now - self._since)
        self._since = now


def metered(search: Search[T], meter: Meter) -> Search[T]:
    """Return *search* with each of its probes counted by *meter*."""
    step = _advanced(search, meter)
    while isinstance(step, Probe):
        probe = step
        try:
            answers = yield probe
        except Refused:
            return refuse(search)
        meter.note(probe)
        step = _advanced(search, meter, probe, answers)
        if not isinstance(step, Probe):
            meter.pass_time(probe.purpose)
    return step.result


def _advanced(
    search: Search[T], meter: Meter, probe: Probe | None = None, answers: Answers | None = None
) -> Probe | Done[T]:
    since = process_time()  # of all threads: the core's arithmetic may use several
    step = advance(search, probe, answers)
    meter.cpu_s += process_time() - since
    return step


class MeteredModel:
    """The port `Model`: *model*, with what it is asked counted in ``spent``."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.spent = Spent()

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes. Raises UpstreamError while nobody has said it."""
        return self._model.size

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images*. Raises UpstreamError."""
        since = perf_counter()
        answers = await self._model.answer(images, caller)
        self.spent += Spent(len(images), 1, perf_counter() - since)
        return answers

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError."""
        await self._model.check()
