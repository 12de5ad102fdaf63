"""What must be known before the first image is screened, and whether it is still true."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app import metrics
from app.events import Events, Kind
from app.gateway.preparation.coverage import speechless, uncovered, unknown
from app.gateway.preparation.prepared import ReferencesError
from app.logs import told
from app.ports import LibraryError, PortError, UpstreamError
from app.tracing import span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.detection.reference_set.references import Calibration
    from app.gateway.preparation.prepared import Calibrator, Prepared

logger = logging.getLogger(__name__)

# How long is waited, in seconds, until …
RETRY_S = 1.0
"""… the next attempt to prepare, while the upstream or the store is out of reach."""

UNFIT_RETRY_S = 10.0
"""… the next attempt to prepare, for another model that the references don't fit."""

PREPARED_S = 2.0
"""… the references are prepared, by a request: then it is answered as not ready."""

SHARING_S = 1.0
"""… newly learnt placebo rates are shared with the other workers."""

CANARIES_S = 30.0
"""… the canaries are sent again, while images come: is it still the same model?"""

SETTLED_S = 10.0
"""… another model counts as settled, so that the references are calibrated for it."""

SETTLED_AT_MOST_S = 3600.0
"""… the same, after however many changes."""

CHANGE_FORGOTTEN_S = 3600.0
"""… a change of the model is forgotten: up to then it doubles the wait after the next one."""

ANOTHER_MODEL = (
    "another model is behind NEO_UPSTREAM_URL: if it stays the references are calibrated again"
)

UNFIT = "the references don't fit the model that is behind NEO_UPSTREAM_URL now"


class Preparation:
    """Prepares in the background, for as long as it takes, and anew when another model comes.

    ``check_library`` returns once the trigger library has been read, or raises LibraryError: before
    that it isn't known which triggers to look for. ``verify`` is called when the references were
    calibrated for a model that came in another one's place.
    """

    def __init__(
        self,
        calibrator: Calibrator,
        check_library: Callable[[], Awaitable[None]],
        verify: Callable[[Prepared], Awaitable[None]] | None = None,
        events: Events | None = None,
    ) -> None:
        self._calibrator = calibrator
        self._check_library = check_library
        self._verify = verify
        self._events = events or Events()
        self.library_read = False
        self.prepared: Prepared | None = None
        self.problem: str | None = "the references are being calibrated"
        self._logged: str | None = None
        self.uncovered: str | None = None
        self.unknown: str | None = None
        self.speechless: str | None = None
        self.remark: str | None = None
        self._decided: asyncio.Event | None = None
        self._asked_since_look = False
        self._doubted = False
        self._changes: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Prepare in the background, then keep it true, until the block ends.

        While the upstream or the store is away it is tried again. A reference set that can't be
        used stays a problem until it is mended and the gateway is started again.
        """
        self._decided = asyncio.Event()
        task = asyncio.create_task(self._run(self._decided))
        try:
            yield
        finally:
            # Under Python 3.11 redis-py now and then swallows a cancellation.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.1)

    async def soon(self, patience_s: float) -> Prepared | None:
        """Return what is prepared; wait for it a moment while there is hope.

        Of several workers one is ready first, and the others hear of it a little later: until then
        they keep their requests rather than refuse them.
        """
        self._asked_since_look = True
        if self.prepared is None and self._decided is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(patience_s, PREPARED_S)):
                    await self._decided.wait()
        return self.prepared

    async def decided(self) -> None:
        """Wait until it is prepared, or until that is hopeless."""
        if self.prepared is None and self._decided is not None:
            await self._decided.wait()

    def doubt(self) -> None:
        """Have it checked soon whether it is still the same model."""
        self._doubted = True

    async def prepare(self, outdated: Calibration | None = None) -> Prepared:
        """Prepare now. Raises UpstreamError, LibraryError, ReferencesError."""
        await self._check_library()
        self.library_read = True
        return await self._calibrator.prepare(outdated)

    async def _run(self, decided: asyncio.Event) -> None:
        former = None
        logger.info("waiting for the model; then the references are calibrated")
        while prepared := await self._prepared(decided, former):
            prepared = await self._until_another_model(prepared)
            decided.clear()
            self.prepared, self.problem = None, ANOTHER_MODEL
            metrics.CALIBRATED.set(0)
            self._events.tell(Kind.MODEL_CHANGED, to="another")
            if not await self._is_back(prepared):
                metrics.MODEL_CHANGES.inc()
                former = prepared

    async def _prepared(self, decided: asyncio.Event, former: Prepared | None) -> Prepared | None:
        """Prepare, however long that takes; return None if it is hopeless.

        After a *former* model it never is: a release that can't be used is rolled back.
        """
        while self.prepared is None:
            again_s = await self._attempt(former)
            hopeless = again_s == math.inf
            if hopeless or self.prepared is not None:
                decided.set()
            if hopeless:
                return None
            if self.prepared is None:
                await asyncio.sleep(again_s)
                if former is not None and await self._is_another(former) is False:
                    self._take_back(former)
        decided.set()
        return self.prepared

    async def _attempt(self, former: Prepared | None) -> float:
        """Prepare, or note why not; return in how many seconds to try again."""
        later_s, outdated = math.inf, None
        if former is not None:
            later_s, outdated = UNFIT_RETRY_S, former.references.calibration
        try:
            with span("calibrate"):
                prepared = await self.prepare(outdated)
            self._take(prepared)
        except (UpstreamError, LibraryError) as exc:
            self._note("the references can't be calibrated yet", exc)
            return RETRY_S
        except ReferencesError as exc:
            self._note("NEO_REFERENCE" if former is None else UNFIT, exc)
            return later_s
        except Exception as exc:  # a fault of ours must not look like work that goes on
            logger.exception("calibrating the references failed")
            self.problem = f"the references can't be calibrated: {told(exc)}"
            return later_s
        self.problem = self._logged = None
        shape = prepared.references.images.shape
        logger.info("the references are calibrated: %d images of %dx%dx%d", *shape)
        if former is not None and self._calibrator.has_renewed:  # of all workers one measures
            self._events.tell(Kind.REFERENCES_RECALIBRATED)
        return 0.0

    async def _until_another_model(self, prepared: Prepared) -> Prepared:
        """Share what is learnt, and check from time to time if it is still the same model.

        Return what was prepared for it last.
        """
        clock = asyncio.get_running_loop().time
        looked_at, doubtful = clock(), False
        while True:
            await asyncio.sleep(SHARING_S)
            prepared = await self._learn(prepared)
            due = self._asked_since_look and clock() >= looked_at + CANARIES_S
            doubted = self._doubted or self._calibrator.is_strange
            doubtful |= due or doubted
            if not doubtful:
                continue
            match await self._is_another(prepared, at_a_glance=not doubted):
                case True:
                    return prepared
                case False:
                    self._asked_since_look = self._doubted = doubtful = False
                    looked_at = clock()
                case None:  # the doubt stays
                    pass

    async def _learn(self, prepared: Prepared) -> Prepared:
        """Share the placebo rates; measure the library on a model that has come.

        Prepare anew under a new secret; until that is done the old one serves.
        """
        try:
            if await self._calibrator.has_new_secret(prepared):
                prepared = await self.prepare()
                self._take(prepared)
            await self._calibrator.share_placebo_rates(prepared)
            if self._calibrator.has_renewed and self._verify is not None:
                await self._verify(prepared)
                self._calibrator.has_renewed = False
        except (UpstreamError, LibraryError):  # it is done again, and they are heard of elsewhere
            pass
        except Exception:  # a fault of ours must not end the watch
            logger.exception("sharing what was learnt failed")
        return prepared

    async def _is_back(self, prepared: Prepared) -> bool:
        """Wait to see if the other model stays; take *prepared* back if it doesn't.

        Each change within an hour doubles the wait: two models that take turns behind one address
        aren't calibrated for again and again.
        """
        clock = asyncio.get_running_loop().time
        self._changes = [at for at in self._changes if at > clock() - CHANGE_FORGOTTEN_S]
        until = clock() + settled_s(len(self._changes))
        while clock() < until:
            await asyncio.sleep(SHARING_S)
            if await self._is_another(prepared) is False:
                self._take_back(prepared)
                return True
        self._changes.append(clock())
        return False

    def _take_back(self, former: Prepared) -> None:
        self._events.tell(Kind.MODEL_CHANGED, to="former")
        self._take(former)
        self.problem = None

    def _take(self, prepared: Prepared) -> None:
        """Screen with *prepared* from now on; say once what is to be said of its references."""
        before = self._remarks
        self.prepared = prepared
        metrics.CALIBRATED.set(1)
        self.uncovered = uncovered(prepared.references) if prepared.plan.blocks else None
        self.unknown = unknown(prepared.references) if prepared.plan.bands else None
        self.remark = self._calibrator.remark()
        self.speechless = speechless(prepared.lens, self._calibrator.second_opinion)
        for said in self._remarks:
            if said not in before:
                logger.warning("NEO_REFERENCE: %s", said)

    @property
    def _remarks(self) -> list[str]:
        return list(filter(None, (self.remark, self.uncovered, self.unknown, self.speechless)))

    @property
    def note(self) -> str | None:
        """What is to be said of the references, though they will do."""
        return "; ".join(self._remarks) or None

    async def _is_another(self, prepared: Prepared, *, at_a_glance: bool = False) -> bool | None:
        """Return whether the model isn't the one *prepared* is for; None if that can't be told."""
        try:
            with span("canaries"):
                return await self._calibrator.is_another_model(prepared, at_a_glance=at_a_glance)
        except UpstreamError:  # its callers hear of that
            return None
        except Exception:  # a fault of ours must not end the watch
            logger.exception("checking if it is still the same model failed")
            return None

    def _note(self, what: str, error: Exception) -> None:
        problem = f"{what}: {error.explained if isinstance(error, PortError) else error}"
        line = f"{what}: {told(error)}"
        if line != self._logged:
            logger.warning("%s", line)
        self.problem, self._logged = problem, line


def settled_s(changes: int) -> float:
    """Return how long another model must stay to count as settled, after *changes* lately."""
    seconds: float = SETTLED_S * 2 ** min(changes, 10)
    return min(seconds, SETTLED_AT_MOST_S)
