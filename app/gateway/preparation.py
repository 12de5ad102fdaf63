"""What must be known before the first image is screened, and whether it is still true."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app import metrics
from app.gateway.calibrating import ReferencesError
from app.logs import told
from app.ports import LibraryError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.detection.references import Calibration
    from app.gateway.calibrating import Calibrator, Prepared

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

    async def prepare(self, outdated: Calibration | None = None) -> Prepared:
        """Prepare now. Raises UpstreamError, LibraryError, ReferencesError."""
        await self._check_library()
        self.library_read = True
        prepared = await self._calibrator.prepare(outdated)
        if prepared.renewed and self._verify is not None:
            await self._verify(prepared)
        return prepared

    async def _run(self, settled: asyncio.Event) -> None:
        outdated = None
        while prepared := await self._prepared(settled, outdated):
            await self._until_another_model(prepared)
            settled.clear()
            self.prepared, self.problem = None, ANOTHER_MODEL
            logger.warning(ANOTHER_MODEL)
            if await self._is_back(prepared):
                logger.warning("the model that was prepared for is there again")
                self.prepared, self.problem = prepared, None
                settled.set()
            else:
                metrics.MODEL_CHANGES.inc()
                outdated = prepared.references.calibration

    async def _prepared(
        self, settled: asyncio.Event, outdated: Calibration | None
    ) -> Prepared | None:
        """Prepare, however long that takes; return None if it is hopeless."""
        while self.prepared is None:
            hopeful = await self._attempt(outdated)
            if not hopeful or self.prepared is not None:
                settled.set()
            if not hopeful:
                return None
            if self.problem:
                await asyncio.sleep(AGAIN_S)
        return self.prepared

    async def _attempt(self, outdated: Calibration | None) -> bool:
        """Prepare, or note why not; return whether it is done or worth another try."""
        try:
            self.prepared = await self.prepare(outdated)
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

    async def _until_another_model(self, prepared: Prepared) -> None:
        """Share what is learnt, and look from time to time if it is still the same model."""
        clock = asyncio.get_running_loop().time
        looked_at, doubtful = clock(), False
        while True:
            await asyncio.sleep(SHARING_S)
            await self._calibrator.share_placebo_rates(prepared)
            due = self._asked_since_look and clock() >= looked_at + CANARIES_S
            doubtful |= due or self._calibrator.is_strange
            if not doubtful:
                continue
            with suppress(UpstreamError):  # its callers hear of that; the doubt stays
                if await self._calibrator.is_another_model(prepared):
                    return
                self._asked_since_look, looked_at, doubtful = False, clock(), False

    async def _is_back(self, prepared: Prepared) -> bool:
        """Wait whether the other model stays; return True as soon as it was a passing one.

        Each change within an hour doubles the wait: two models that take turns behind one address
        aren't calibrated for again and again.
        """
        clock = asyncio.get_running_loop().time
        self._changes = [at for at in self._changes if at > clock() - LATELY_S]
        until = clock() + settle_s(len(self._changes))
        while clock() < until:
            await asyncio.sleep(SHARING_S)
            with suppress(UpstreamError):
                if not await self._calibrator.is_another_model(prepared):
                    return True
        self._changes.append(clock())
        return False

    def _note(self, what: str, error: Exception) -> None:
        problem = f"{what}: {error}"
        if problem != self.problem:
            logger.warning("%s: %s", what, told(error))
        self.problem = problem


def settle_s(changes: int) -> float:
    """Return for how long another model must have been there, after so many *changes* lately."""
    return min(SETTLE_S * 2 ** min(changes, 10), LATELY_S)
