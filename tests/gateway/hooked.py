"""The tiny model, with something happening at each of its calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.ports import NOBODY, UpstreamUnreachableError
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.detection.search import Answers, Images
    from app.ports import Caller


class HookedModel(TinyModel):
    """Awaits ``hook`` with the number of the call (from 1 since it was set) before it answers."""

    def __init__(self, hook: Callable[[int], Awaitable[None]] | None = None) -> None:
        super().__init__()
        self._calls = 0
        self._hook = hook

    def hook(self, hook: Callable[[int], Awaitable[None]]) -> None:
        """Do something else from now on."""
        self._calls, self._hook = 0, hook

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images* after the hook."""
        self._calls += 1
        if self._hook:
            await self._hook(self._calls)
        return await super().answer(images, caller)


class SlowModel(HookedModel):
    """Says no more from the call *first* on until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self._open = asyncio.Event()
        self._open.set()

    def hold(self, first: int) -> None:
        """Say no more from the call *first* on, counted from now."""
        self._open.clear()

        async def hook(call: int) -> None:
            if call >= first:
                await self._open.wait()

        self.hook(hook)

    def let(self) -> None:
        """Answer at once from now on."""
        self._open.set()


def fails_from(first: int) -> Callable[[int], Awaitable[None]]:
    """Return a hook for a model that is lost at its call *first*."""

    async def hook(call: int) -> None:
        if call >= first:
            message = "the connection broke"
            raise UpstreamUnreachableError(message)

    return hook


def hangs_from(first: int) -> Callable[[int], Awaitable[None]]:
    """Return a hook for a model that says no more from its call *first* on."""

    async def hook(call: int) -> None:
        if call >= first:
            await asyncio.Event().wait()

    return hook
