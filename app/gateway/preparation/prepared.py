"""From the reference set to what is prepared: calibrated by one worker, shared with all."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app import metrics
from app.detection.plan import make_plan
from app.detection.reference_set.calibration import OneClassError, calibrate
from app.detection.reference_set.canaries import is_another_model
from app.detection.reference_set.references import References
from app.detection.search import Probe, advance
from app.detection.second_opinion.lens import lens_of
from app.detection.second_opinion.measuring import measured
from app.gateway.preparation.progress import Progress
from app.logs import told
from app.pictures.references import fingerprint
from app.ports import BACKGROUND, Caller, Description, LibraryError, OtherModelError
from app.settings import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from app.detection.plan import Plan
    from app.detection.reference_set.references import Calibration
    from app.detection.search import Images, Search
    from app.detection.second_opinion.lens import Lens
    from app.ports import CalibrationStore, InputSize, Model, ServedModel

logger = logging.getLogger(__name__)

METHOD = "6"
"""The version of the calibration: one that another version has measured isn't used."""

OPINION = "1"
"""The same of the second opinion's."""

CANARIES = Caller(spent=1)
"""Canaries go right after the clients' own images, and are never refused: they are one batch each
half minute, and what waits for a quiet moment is never sent under lasting load."""

T = TypeVar("T")


class ReferencesError(Exception):
    """The reference set can't be used for this model; the message says why."""

    @property
    def summary(self) -> str:
        """The message: it is about the owner's own files."""
        return str(self)


@dataclass(frozen=True)
class Prepared:
    """The references, calibrated, and the plan that they were calibrated for.

    ``key`` is the name under which the workers share the placebo rates: of the model, the reference
    set, the secret and the calibration.
    """

    references: References
    plan: Plan
    key: str
    shared: set[str] = field(default_factory=set, compare=False)
    """Placebo rates that the other workers know."""

    @cached_property
    def lens(self) -> Lens | None:
        """What a second opinion is formed with, where that was measured."""
        return lens_of(self.references)

    def apart(self, rates: MutableMapping[str, float]) -> Prepared:
        """Return the same with placebo *rates* of its own."""
        own = replace(self, references=self.references.apart(rates))
        vars(own)["lens"] = self.lens  # of the images, which are the same
        return own


class Calibrator:
    """Calibrates the references for a model, as a *strategy* needs it.

    *load* returns the reference images at the model's size, or raises ReferencesError. *identity*
    names the model as it is asked: the same images of another model need another calibration.
    *served* is the model's other side, if it is behind a server. The paper's strategy needs no more
    than what the model calls each reference. *remark* returns what is to be said of the images that
    were loaded last. *second_opinion*: the share of clean images that may
    be called suspicious; None: no second opinion is measured.

    ``has_renewed`` says that it has measured a calibration in place of another model's, until
    whoever makes something of that says that it is done.
    """

    def __init__(  # noqa: PLR0913  # two ports, and by name what a calibration depends on
        self,
        model: Model,
        store: CalibrationStore,
        load: Callable[[InputSize], Images],
        *,
        identity: str,
        trigger_max: float,
        strategy: Strategy = Strategy.FULL,
        served: ServedModel | None = None,
        remark: Callable[[], str | None] = lambda: None,
        second_opinion: float | None = None,
    ) -> None:
        self._model = model
        self._store = store
        self._load = load
        self._identity = identity
        self._trigger_max = trigger_max
        self._strategy = strategy
        self._served = served
        self.second_opinion = second_opinion
        self.remark = remark
        self.has_renewed = False

    async def prepare(self, outdated: Calibration | None = None) -> Prepared:
        """Return the references, calibrated for the model that is there; not an *outdated* way.

        Raises UpstreamError, LibraryError, ReferencesError.
        """
        seed = await self._store.seed()
        if self._served is not None and (outdated is not None or self._served.is_strange):
            self._served.forget()  # strange: what came first may have been another model
        await self._model.check()
        size = self._model.size
        images = await asyncio.to_thread(self._load, size)
        if self._served is not None:
            await self._served.sound_out(images)
        plan = self._plan(size)
        key = await asyncio.to_thread(_key, self._method, self._identity, images, plan, seed)

        measured: list[Calibration] = []

        async def measure() -> Calibration:
            measured.append(await self._calibrated(images, plan, seed))
            self.has_renewed |= outdated is not None
            return measured[0]

        calibration = await self._store.calibration(key, measure, outdated)
        if not measured and (
            not calibration.fits(len(images), len(plan.bands))
            or await self._is_anothers(images, calibration)
        ):
            outdated = calibration
            calibration = await self._store.calibration(key, measure, outdated)
        if self._served is not None and not measured:
            await self._served.introduce(images, calibration.labels)
        key = f"{key}-{_digest(calibration)}"
        rates = await self._store.placebo_rates(key)
        references = References(images, calibration, rates, seed)
        prepared = Prepared(references, plan, key, set(rates))
        if prepared.lens is not None:
            await asyncio.to_thread(prepared.lens.prepare)
        return prepared

    async def has_new_secret(self, prepared: Prepared) -> bool:
        """Return whether the deployment has another secret by now. Raises LibraryError."""
        return await self._store.seed() != prepared.references.seed

    @property
    def is_strange(self) -> bool:
        """Whether the model's last answer can't be of the model that was prepared for."""
        return self._served is not None and self._served.is_strange

    async def is_another_model(self, prepared: Prepared, *, at_a_glance: bool = False) -> bool:
        """Return whether the model isn't the one that was *prepared* for. Raises UpstreamError.

        *at_a_glance*: by fewer of the references, as often as it is asked.

        Nothing is forgotten of the one before: until it is known that the other one stays its
        answers are none.
        """
        description = Description.SAME
        if self._served is not None:
            description = await self._served.redescribed()
        if description is Description.OTHER_INPUT:
            return True
        references = prepared.references
        try:
            another = await self._is_anothers(
                references.images, references.calibration, at_a_glance=at_a_glance
            )
        except OtherModelError:
            return True
        if description is Description.OTHER_WORDS and self._served is not None and not another:
            self._served.forget()  # the same model under other words, which clients ask for
        return another

    async def share_placebo_rates(self, prepared: Prepared) -> None:
        """Tell the other workers the placebo rates that were learnt here, and hear theirs."""
        rates, shared = prepared.references.placebo_rates, prepared.shared
        # A copy: a large image's search adds to them in its thread.
        new = {name: rate for name, rate in dict(rates).items() if name not in shared}
        if not new:
            return
        try:
            await self._store.keep_placebo_rates(prepared.key, new)
            kept = await self._store.placebo_rates(prepared.key)
        except LibraryError as exc:
            logger.warning("placebo rates are not shared for now: %s", told(exc))
            return
        for name, rate in kept.items():
            rates.setdefault(name, rate)
        shared.update(new, kept)

    @property
    def _method(self) -> str:
        return METHOD if self.second_opinion is None else f"{METHOD}+{OPINION}"

    def _plan(self, size: InputSize) -> Plan:
        blocks = self._strategy is Strategy.FULL
        plan = make_plan(size.height, size.width, size.channels, self._trigger_max, blocks=blocks)
        if self._strategy is Strategy.PAPER:
            return replace(plan, rows=(), columns=())
        return plan

    async def _is_anothers(
        self, images: Images, calibration: Calibration, *, at_a_glance: bool = False
    ) -> bool:
        rng = np.random.default_rng()
        look = is_another_model(images, calibration, rng, at_a_glance=at_a_glance)
        return await ask(look, self._model, CANARIES)

    async def _calibrated(self, images: Images, plan: Plan, seed: int) -> Calibration:
        logger.info("calibrating %d references", len(images))
        progress = Progress(asyncio.get_running_loop().time)
        try:
            calibration = await ask(
                calibrate(images, plan, seed), self._model, asked=progress.asked
            )
            if self.second_opinion is not None:
                look = measured(images, calibration.labels, seed)
                opinion = await ask(look, self._model, asked=progress.asked)
                calibration = replace(calibration, opinion=opinion)
        except OneClassError as exc:
            message = f"{exc}; are they the model's images, and NEO_INPUT_* its preprocessing?"
            raise ReferencesError(message) from exc
        progress.ended()
        metrics.CALIBRATIONS.inc()
        return calibration


async def ask(
    search: Search[T],
    model: Model,
    caller: Caller = BACKGROUND,
    asked: Callable[[int], object] = lambda _: None,
) -> T:
    """Drive *search* to its end on behalf of *caller*; by default every client's image goes first.

    *asked* hears how many images were answered, each time. Raises UpstreamError.
    """
    step = await asyncio.to_thread(advance, search)
    while isinstance(step, Probe):
        answers = await model.answer(step.images, caller)
        asked(len(step))
        step = await asyncio.to_thread(advance, search, step, answers)
    return step.result


def _key(method: str, identity: str, images: Images, plan: Plan, seed: int) -> str:
    bands = repr(replace(plan, blocks=True))  # one calibration serves `fast` and `full`
    facts = "\0".join((method, identity, bands, fingerprint(images), str(seed)))
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


def _digest(calibration: Calibration) -> str:
    facts = calibration.labels.tobytes() + calibration.robust.tobytes()
    if calibration.canary_scores is not None:
        facts += calibration.canary_scores.tobytes()
    return hashlib.blake2b(facts, digest_size=8).hexdigest()
