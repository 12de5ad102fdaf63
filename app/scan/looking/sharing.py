"""Batches that pictures share: what many ask at the same time is asked of the model together.

A model behind a server has its own queue, where requests are sent and shared. One in this process
computes: asked twice at once it takes twice the memory, and is no faster.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from app.ports import NOBODY

if TYPE_CHECKING:
    from app.detection.search import Answers, Images
    from app.ports import Caller, InputSize, Model

MOST: Final = 64
"""Images that are asked together."""


class Sharing:
    """The port `Model`: *model*, asked one batch at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._waiting: list[tuple[Images, asyncio.Future[Answers]]] = []
        self._asking: asyncio.Task[None] | None = None

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes. Raises UpstreamError while nobody has said it."""
        return self._model.size

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError."""
        await self._model.check()

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images*, in a batch with what others ask. Raises UpstreamError."""
        answered: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._waiting.append((images, answered))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answered

    async def _ask(self) -> None:
        while self._waiting:
            aboard = self._boarding()
            try:
                answers = await self._model.answer(np.concatenate([one for one, _ in aboard]))
            except Exception as exc:  # noqa: BLE001  # everybody aboard hears of it
                for _, answered in aboard:
                    if not answered.done():
                        answered.set_exception(exc)
                continue
            start = 0
            for images, answered in aboard:
                if not answered.done():
                    answered.set_result(answers[start : start + len(images)])
                start += len(images)
        self._asking = None

    def _boarding(self) -> list[tuple[Images, asyncio.Future[Answers]]]:
        """Take the first that waits, and what fits beside it."""
        aboard, room = [self._waiting.pop(0)], MOST
        room -= len(aboard[0][0])
        while self._waiting and len(self._waiting[0][0]) <= room:
            aboard.append(self._waiting.pop(0))
            room -= len(aboard[-1][0])
        return aboard
