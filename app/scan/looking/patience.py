"""A model that is away for a while: a scan waits for it, and ends if it doesn't come back."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from app.logs import told
from app.ports import (
    NOBODY,
    UpstreamBusyError,
    UpstreamError,
    UpstreamOpenError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.remote_gateway.gateway import GatewayAwayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.detection.search import Answers, Images
    from app.ports import Caller, InputSize, Model

T = TypeVar("T")

logger = logging.getLogger(__name__)

AWAY_S: Final = 300.0
"""How long it may be away; whoever goes on later loses nothing."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0

_FOR_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a server that may answer the same request later."""


class Patience:
    """Waits for *away_s* at most for whoever is away.

    ``lost`` is the error that it gave up with; from then on nothing is asked any more.
    """

    def __init__(self, away_s: float = AWAY_S) -> None:
        self.lost: UpstreamError | None = None
        self._away_s = away_s

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what *call* does, however often that takes. Raises UpstreamError."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._away_s, FIRST_PAUSE_S
        while True:
            if self.lost is not None:
                raise self.lost
            try:
                return await call()
            except UpstreamError as exc:
                if not _is_for_now(exc):
                    raise
                if loop.time() + pause > deadline:
                    self.lost = exc
                    raise
                logger.info("asked again in %.0f s: %s", pause, told(exc))
                await asyncio.sleep(max(pause, exc.retry_after_s or 0))
                pause = min(2 * pause, LONGEST_PAUSE_S)


class Patient:
    """The port `Model`: *model*, asked again by *patience* while it is away."""

    def __init__(self, model: Model, patience: Patience) -> None:
        self._model = model
        self._patience = patience

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes. Raises UpstreamError while nobody has said it."""
        return self._model.size

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError."""
        await self._model.check()

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images*, however long it takes. Raises UpstreamError."""
        return await self._patience.ask(partial(self._model.answer, images, caller))


def _is_for_now(error: UpstreamError) -> bool:
    if isinstance(error, UpstreamStatusError):
        return error.status in _FOR_NOW
    away = (
        UpstreamUnreachableError,
        UpstreamTimeoutError,
        UpstreamBusyError,
        UpstreamOpenError,
        GatewayAwayError,
    )
    return isinstance(error, away)
