"""What a scan looks at pictures with: the model itself, or a gateway that stands before it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from app.detection.plan import make_plan
from app.gateway.keeping.learning import Learner
from app.kept import decode_library, library_of
from app.scan.course import LIBRARY
from app.scan.engines.equipment import Equipment, GatewayEquipment
from app.scan.looking.comparer import Decoding
from app.scan.looking.gateway_library import GatewayLearning, opened_gateway
from app.scan.looking.model import GatewaySource, opened_model
from app.scan.looking.patience import Patience, Patient
from app.scan.pacing import seconds_each
from app.scan.state.calibrations import KeptCalibrations
from app.wiring import ReferenceFiles, calibrator, policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.detection.geometry import Box
    from app.detection.plan import Plan as SearchPlan
    from app.detection.search import Image
    from app.detection.trigger import Trigger
    from app.gateway.policy import Policy
    from app.gateway.preparation.prepared import Prepared
    from app.kept import MemoryTriggerLibrary
    from app.ports import Model, ServedModel
    from app.scan.concluding import Learning
    from app.scan.looking.model import ModelSource
    from app.scan.state.state import State
    from app.settings import Settings

PATIENCE_S: Final = 3600.0
"""For one image: nobody waits for its answer."""

PACE: Final = "seconds each"


@dataclass(frozen=True, eq=False)
class Arranged:
    """Who looks (``equipment``), what is known (``library``), and how more is learnt.

    ``plan`` tells what screening an image takes, ``seconds_each`` how long in one process, if that
    is known; ``name`` returns the name of a class.
    """

    equipment: Equipment | GatewayEquipment
    library: MemoryTriggerLibrary
    learning: Learning
    plan: SearchPlan
    seconds_each: float | None
    name: Callable[[int], str | None]


@asynccontextmanager
async def arranged(
    source: ModelSource | GatewaySource, state: State, seed: int, say: Callable[[str], None]
) -> AsyncIterator[Arranged]:
    """Open what *source* names; calibrate if that isn't done. It *say*s what takes a while.

    Raises OnnxError, UpstreamError, ReferencesError, StateError.
    """
    if isinstance(source, GatewaySource):
        async with opened_gateway(source) as gateway:
            await gateway.check()
            settings, size = source.settings, source.size
            learning = GatewayLearning(gateway)
            await learning.settle()
            learning.check_size()
            plan = make_plan(size.height, size.width, size.channels, settings.trigger_max)
            references = ReferenceFiles(settings).load(size)
            equipment = GatewayEquipment(source, references, seed, _decoding(source))
            name = _labels(settings)
            yield Arranged(equipment, learning.library, learning, plan, None, name)
        return
    async with opened_model(source) as model:
        settings, kept = source.settings, KeptCalibrations(state, seed)
        patient, served = Patient(model, Patience()), None
        if source.onnx is None:
            served = cast("ServedModel", model)
        if not kept.is_calibrated:
            say("asking the model about the references")
        calibrating = calibrator(settings, patient, kept, served)
        prepared = await calibrating.prepare()
        if (remark := calibrating.remark()) is not None:
            say(f"The references: {remark}.")
        looking = _equipment(source, prepared, seed)
        each = await _kept_pace(state, looking, model)
        library = _kept_library(state)
        learning_here = HereLearning(Learner(library, patient, settings.strategy), prepared)
        name = _labels(settings)
        if served is not None and not settings.labels:
            name = served.class_name
        yield Arranged(looking, library, learning_here, prepared.plan, each, name)


class HereLearning:
    """Learns by the gateway's own learner, in this process."""

    def __init__(self, learner: Learner, prepared: Prepared) -> None:
        self._learner = learner
        self._prepared = prepared

    async def hit(self, trigger_id: str, image: Image, place: Box | None) -> None:
        """Learn from an image that carries a trigger at *place*."""
        await self._learner.hit(trigger_id, image, place, self._prepared)

    def found_again(self, trigger_id: str, found: Trigger) -> None:
        """Take over what was *found* of a known trigger, where it tells more than is known."""
        self._learner.found_again(trigger_id, found, self._prepared)

    async def settle(self) -> None:
        """Wait until what has been learnt is in the library."""
        await self._learner.settle()


def _equipment(source: ModelSource, prepared: Prepared, seed: int) -> Equipment:
    references = prepared.references
    return Equipment(
        source,
        references.images,
        references.calibration,
        seed,
        prepared.plan,
        _unhurried(source.settings),
        _decoding(source),
    )


def _unhurried(settings: Settings) -> Policy:
    return replace(
        policy(settings),
        patience_s=PATIENCE_S,
        probe_budget=None,
        probe_rate=None,
        key_probe_rate=None,
    )


def _decoding(source: ModelSource | GatewaySource) -> Decoding:
    settings = source.settings
    return Decoding(settings.max_pixels, settings.input_resize, source.in_full)


async def _kept_pace(state: State, equipment: Equipment, model: Model) -> float:
    """Return the seconds that an image takes in one process, measured once for a scan."""
    if (kept := state.fact(PACE)) is not None:
        return float(kept)
    each = await seconds_each(equipment, model)
    state.keep_facts({PACE: repr(each).encode()})
    return each


def _kept_library(state: State) -> MemoryTriggerLibrary:
    kept = state.fact(LIBRARY)
    return library_of(()) if kept is None else decode_library(kept)


def _labels(settings: Settings) -> Callable[[int], str | None]:
    labels = settings.labels
    return lambda index: labels[index] if index < len(labels) else None
