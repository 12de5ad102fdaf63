"""What must be known before the first image is screened, and whether it is still true."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app import metrics
from app.gateway.preparation.prepared import ReferencesError
from app.logs import told
from app.ports import LibraryError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.detection.reference_set.references import Calibration
    from app.gateway.preparation.prepared import Calibrator, Prepared

logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Between two attempts while the upstream or the store is away."""

A_MOMENT_S = 2.0
"""For which a request waits while the references are prepared."""

SHARING_S = 1.0
"""Between two looks if new placebo rates were learnt."""

ANOTHER_MODEL = (
    "another model is behind NEO_UPSTREAM_URL: if it stays the references are calibrated again"
)

SETTLE_S = 10.0
"""For which another model must have been there before it is calibrated for."""

LATELY_S = 3600.0
"""For which a change makes the next one wait longer; and the longest wait."""

LATER_S = 10.0
"""Between two attempts on a model that the references can't be calibrated for."""

NO_GOOD = "the references don't fit the model that is behind NEO_UPSTREAM_URL now"

CANARIES_S = 30.0
"""Between two looks if it is still the same model, while images come."""


class Preparation:
    """Prepares in the background, for as long as it takes, and anew when another model comes.

    ``check_library`` returns once the trigger library has been read, or raises LibraryError: before
    that nobody knows which triggers to look for. ``verify`` is called when the references were
    calibrated for a model that came in another one's place.
    """

    def __init__(
        self,
        calibrator: Calibrator,
        check_library: Callable[[], Awaitable[None]],
        verify: Callable[[Prepared], Awaitable[None]] | None = None,
    ) -> None:
        self._calibrator = calibrator
        self._check_library = check_library
        self._verify = verify
        self.library_read = False
        self.prepared: Prepared | None = None
        self.problem: str | None = "the references are being calibrated"
        self._settled: asyncio.Event | None = None
        self._asked_since_look = False
        self._doubted = False
        self._changes: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Prepare in the background, then keep it true, until the block ends.

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

    async def soon(self, patience_s: float) -> Prepared | None:
        """Return what is prepared; wait for it a moment while there is hope.

        Of several workers one is ready first, and the others hear of it a little later: until then
        they keep their requests rather than refuse them.
        """
        self._asked_since_look = True
        if self.prepared is None and self._settled is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(patience_s, A_MOMENT_S)):
                    await self._settled.wait()
        return self.prepared

    def doubt(self) -> None:
        """Have it looked into soon whether it is still the same model."""
        self._doubted = True

    async def prepare(self, outdated: Calibration | None = None) -> Prepared:
        """Prepare now. Raises UpstreamError, LibraryError, ReferencesError."""
        await self._check_library()
        self.library_read = True
        return await self._calibrator.prepare(outdated)

    async def _run(self, settled: asyncio.Event) -> None:
        former = None
        while prepared := await self._prepared(settled, former):
            prepared = await self._until_another_model(prepared)
            settled.clear()
            self.prepared, self.problem = None, ANOTHER_MODEL
            logger.warning(ANOTHER_MODEL)
            if not await self._is_back(prepared):
                metrics.MODEL_CHANGES.inc()
                former = prepared

    async def _prepared(self, settled: asyncio.Event, former: Prepared | None) -> Prepared | None:
        """Prepare, however long that takes; return None if it is hopeless.

        Not so where a *former* model was prepared for: a release that can't be used is taken back.
        """
        while self.prepared is None:
            again_s = await self._attempt(former)
            hopeless = again_s == math.inf
            if hopeless or self.prepared is not None:
                settled.set()
            if hopeless:
                return None
            if self.prepared is None:
                await asyncio.sleep(again_s)
                if former is not None and await self._is_another(former) is False:
                    self._take_back(former)
        settled.set()
        return self.prepared

    async def _attempt(self, former: Prepared | None) -> float:
        """Prepare, or note why not; return in how many seconds it is worth another try."""
        later_s, outdated = math.inf, None
        if former is not None:
            later_s, outdated = LATER_S, former.references.calibration
        try:
            self.prepared = await self.prepare(outdated)
        except (UpstreamError, LibraryError) as exc:
            self._note("the references can't be calibrated yet", exc)
            return AGAIN_S
        except ReferencesError as exc:
            self._note("NEO_REFERENCE" if former is None else NO_GOOD, exc)
            return later_s
        except Exception as exc:  # a fault of ours must not look like work that goes on
            logger.exception("calibrating the references failed")
            self.problem = f"the references can't be calibrated: {told(exc)}"
            return later_s
        self.problem = None
        return 0.0

    async def _until_another_model(self, prepared: Prepared) -> Prepared:
        """Share what is learnt, and look from time to time if it is still the same model.

        Return what was prepared for it last.
        """
        clock = asyncio.get_running_loop().time
        looked_at, doubtful = clock(), False
        while True:
            await asyncio.sleep(SHARING_S)
            prepared = await self._learn(prepared)
            due = self._asked_since_look and clock() >= looked_at + CANARIES_S
            doubtful |= due or self._doubted or self._calibrator.is_strange
            if not doubtful:
                continue
            match await self._is_another(prepared):
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
                prepared = self.prepared = await self.prepare()
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
        """Wait whether the other model stays; take *prepared* back if it was a passing one.

        Each change within an hour doubles the wait: two models that take turns behind one address
        aren't calibrated for again and again.
        """
        clock = asyncio.get_running_loop().time
        self._changes = [at for at in self._changes if at > clock() - LATELY_S]
        until = clock() + settle_s(len(self._changes))
        while clock() < until:
            await asyncio.sleep(SHARING_S)
            if await self._is_another(prepared) is False:
                self._take_back(prepared)
                return True
        self._changes.append(clock())
        return False

    def _take_back(self, former: Prepared) -> None:
        logger.warning("the model that was prepared for is there again")
        self.prepared, self.problem = former, None

    async def _is_another(self, prepared: Prepared) -> bool | None:
        """Return whether another model than *prepared* for is there; None if nobody can tell."""
        try:
            return await self._calibrator.is_another_model(prepared)
        except UpstreamError:  # its callers hear of that
            return None
        except Exception:  # a fault of ours must not end the watch
            logger.exception("looking if it is the same model failed")
            return None

    def _note(self, what: str, error: Exception) -> None:
        problem = f"{what}: {error}"
        if problem != self.problem:
            logger.warning("%s: %s", what, told(error))
        self.problem = problem


def settle_s(changes: int) -> float:
    """Return for how long another model must have been there, after so many *changes* lately."""
    seconds: float = SETTLE_S * 2 ** min(changes, 10)
    return min(seconds, LATELY_S)
