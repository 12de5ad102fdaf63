"""What must be known before the first image is screened: the references and their calibration."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.detection.calibration import OneClassError, calibrate
from app.detection.plan import make_plan
from app.detection.references import References
from app.detection.search import Probe, advance
from app.logs import told
from app.pictures.references import fingerprint
from app.ports import BACKGROUND, LibraryError, UpstreamError
from app.settings import Strategy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.plan import Plan
    from app.detection.references import Calibration
    from app.detection.search import Images
    from app.ports import CalibrationStore, InputSize, Model

logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Between two attempts while the upstream or the store is away."""

A_MOMENT_S = 2.0
"""For which a request waits while the references are prepared."""

SHARING_S = 1.0
"""Between two looks if new placebo rates were learnt."""

METHOD = "3"
"""Of the calibration; another one doesn't fit what an older release has kept."""


class ReferencesError(Exception):
    """The reference set can't be used for this model; the message says why."""

    @property
    def summary(self) -> str:
        """The message: it is about the owner's own files."""
        return str(self)


@dataclass(frozen=True)
class Prepared:
    """The references, calibrated, and the plan that they were calibrated for.

    ``key`` is the name under which the workers share it: of the model and the reference set.
    """

    references: References
    plan: Plan
    key: str


class Preparation:
    """Prepares once, in the background, for as long as it takes.

    ``check_library`` returns once the trigger library has been read, or raises LibraryError: before
    that nobody knows which triggers to look for. ``load`` returns the reference images at the
    model's size, or raises ReferencesError. ``identity`` names the model: the same images of
    another model need another calibration. *introduce* is called with the references and their
    labels where another worker has asked for them. The paper's *strategy* needs no more of it than
    what the model calls each of them.
    """

    def __init__(  # noqa: PLR0913  # all that must be there before an image is screened
        self,
        model: Model,
        store: CalibrationStore,
        load: Callable[[InputSize], Images],
        *,
        check_library: Callable[[], Awaitable[None]],
        identity: str,
        trigger_max: float,
        strategy: Strategy = Strategy.FULL,
        introduce: Callable[[Images, NDArray[np.int64]], Awaitable[None]] | None = None,
    ) -> None:
        self._model = model
        self._check_library = check_library
        self._store = store
        self._load = load
        self._identity = identity
        self._trigger_max = trigger_max
        self._strategy = strategy
        self._introduce = introduce
        self._shared: set[str] = set()
        self.library_read = False
        self.prepared: Prepared | None = None
        self.problem: str | None = "the references are being calibrated"
        self._settled: asyncio.Event | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Prepare in the background, then share what is learnt, until the block ends.

        While the upstream or the store is away it is tried again. A reference set that can't be
        used stays a problem until it is mended and the gateway is started again.
        """
        self._settled = asyncio.Event()
        task = asyncio.create_task(self._run(self._settled))
        try:
            yield
        finally:
            # Under Python 3.11 redis-py now and then swallows a cancellation.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.1)

    async def prepare(self) -> Prepared:
        """Prepare now. Raises UpstreamError, LibraryError, ReferencesError."""
        await self._check_library()
        self.library_read = True
        seed = await self._store.seed()
        await self._model.check()
        size = self._model.size
        images = await asyncio.to_thread(self._load, size)
        plan = self._plan(size)
        key = await asyncio.to_thread(_key, self._identity, images, plan)

        measured: list[Calibration] = []

        async def measure() -> Calibration:
            measured.append(await self._calibrated(images, plan, seed))
            return measured[0]

        calibration = await self._store.calibration(key, measure)
        if self._introduce is not None and not measured:
            await self._introduce(images, calibration.labels)
        rates = await self._store.placebo_rates(key)
        self._shared = set(rates)
        return Prepared(References(images, calibration, rates, seed), plan, key)

    def _plan(self, size: InputSize) -> Plan:
        blocks = self._strategy is Strategy.FULL
        plan = make_plan(size.height, size.width, size.channels, self._trigger_max, blocks=blocks)
        if self._strategy is Strategy.PAPER:
            return replace(plan, rows=(), columns=())
        return plan

    async def soon(self, patience_s: float) -> Prepared | None:
        """Return what is prepared; wait for it a moment while there is hope.

        Of several workers one is ready first, and the others hear of it a little later: until then
        they keep their requests rather than refuse them.
        """
        if self.prepared is None and self._settled is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(patience_s, A_MOMENT_S)):
                    await self._settled.wait()
        return self.prepared

    async def _run(self, settled: asyncio.Event) -> None:
        while (prepared := self.prepared) is None:
            hopeful = await self._attempt()
            if not hopeful or self.prepared is not None:
                settled.set()
            if not hopeful:
                return
            if self.problem:
                await asyncio.sleep(AGAIN_S)
        while True:
            await asyncio.sleep(SHARING_S)
            await self._share_placebo_rates(prepared)

    async def _attempt(self) -> bool:
        """Prepare, or note why not; return whether it is done or worth another try."""
        try:
            self.prepared = await self.prepare()
        except (UpstreamError, LibraryError) as exc:
            self._note("the references can't be calibrated yet", exc)
            return True
        except ReferencesError as exc:
            self._note("NEO_REFERENCE", exc)
            return False
        except Exception as exc:  # a fault of ours must not look like work that goes on
            logger.exception("calibrating the references failed")
            self.problem = f"the references can't be calibrated: {told(exc)}"
            return False
        self.problem = None
        return True

    async def _calibrated(self, images: Images, plan: Plan, seed: int) -> Calibration:
        logger.info("calibrating %d references", len(images))
        search = calibrate(images, plan, seed)
        step = await asyncio.to_thread(advance, search)
        asked = 0
        try:
            while isinstance(step, Probe):
                answers = await self._model.answer(step.images, BACKGROUND)
                asked += len(step)
                step = await asyncio.to_thread(advance, search, step, answers)
        except OneClassError as exc:
            message = f"{exc}; are they the model's images, and NEO_INPUT_* its preprocessing?"
            raise ReferencesError(message) from exc
        logger.info("calibrated with %d probes", asked)
        return step.result

    async def _share_placebo_rates(self, prepared: Prepared) -> None:
        """Tell the other workers the placebo rates that were learnt here, and hear theirs."""
        rates = prepared.references.placebo_rates
        # A copy: a large image's search adds to them in its thread.
        new = {name: rate for name, rate in dict(rates).items() if name not in self._shared}
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
        self._shared.update(new, kept)

    def _note(self, what: str, error: Exception) -> None:
        problem = f"{what}: {error}"
        if problem != self.problem:
            logger.warning("%s: %s", what, told(error))
        self.problem = problem


def _key(identity: str, images: Images, plan: Plan) -> str:
    facts = "\0".join((METHOD, identity, repr(plan), fingerprint(images)))
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()
