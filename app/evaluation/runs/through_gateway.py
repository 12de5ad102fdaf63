"""A stream through a gateway that runs."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Purpose
from app.evaluation.records import NO_ANSWER, Found, Run, Screened, Spent
from app.gateway.outcome import Screening

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image
    from app.evaluation.records import Stream
    from app.evaluation.subjects.subject import Subject
    from app.remote_gateway.answers import Reply
    from app.remote_gateway.gateway import RunningGateway

STRATEGY = "gateway"
"""What its own strategy is isn't told."""


class GatewayTrial:
    """The gateway's own strategy on *stream*; used like a `Trial`.

    The *subject*'s model is the gateway. What the model says of a poisoned image without its
    trigger is asked in the end; until then its true class stands for that.
    """

    def __init__(
        self, subject: Subject, stream: Stream, gateway: RunningGateway, seed: int
    ) -> None:
        self.screened: list[Screened] = []
        self._subject = subject
        self._stream = stream
        self._gateway = gateway
        self._seed = seed
        self._right = stream.labels.copy()
        self._found: dict[str, Found] = {}

    async def prepare(self) -> None:
        """Return if the gateway is ready. Raises GatewayError."""
        await self._gateway.check()

    async def screen_all(self, progress: Callable[[], None]) -> None:
        """Send the stream, image by image; *progress* is called after each. Raises GatewayError."""
        for i, image in enumerate(self._stream.images):
            screened = await self._screened(image)
            self.screened.append(screened)
            if not self._stream.poisoned[i] and screened.said != NO_ANSWER:
                self._right[i] = screened.said
            if screened.trigger_id not in {None, *self._found}:
                await self._look_at_triggers()
            progress()
        await self._look_at_triggers()  # by now their pixels may be exact
        await self._ask_without_triggers()

    def record(self) -> Run:
        """Return what is known by now; any time after `prepare`."""
        attack = self._subject.attack
        return Run(
            model=self._subject.name,
            attack=attack.name if attack else None,
            strategy=STRATEGY,
            seed=self._seed,
            stream=self._stream,
            stamps=attack.stamps if attack else (),
            right=self._right.copy(),
            screened=tuple(self.screened),
            found=tuple(self._found.values()),
            prepared=Spent(),
        )

    async def _screened(self, image: Image) -> Screened:
        since = perf_counter()
        reply = await self._gateway.predict(image)
        return _noted(reply, perf_counter() - since)

    async def _look_at_triggers(self) -> None:
        """Keep what the gateway knows now of the triggers that were met in this stream."""
        met: dict[str, int] = {}
        for i, screened in enumerate(self.screened):
            if screened.trigger_id is not None:
                met.setdefault(screened.trigger_id, i)
        for trigger_id, trigger in (await self._gateway.triggers()).items():
            if trigger_id in met:
                examples = await self._gateway.examples(trigger_id)
                self._found[trigger_id] = Found(trigger_id, trigger, met[trigger_id], examples)

    async def _ask_without_triggers(self) -> None:
        for i in np.flatnonzero(self._stream.poisoned):
            reply = await self._gateway.predict(self._stream.clean[i])
            if reply is not None:
                self._right[i] = reply.said


def _noted(reply: Reply | None, seconds: float) -> Screened:
    return Screened(
        said=reply.said if reply else NO_ANSWER,
        answer=reply.answer if reply else NO_ANSWER,
        flagged=reply is not None and reply.flagged,
        suspected=None,
        screening=reply.screening if reply else Screening.INCOMPLETE,
        trigger_id=reply.trigger_id if reply else None,
        spent={Purpose.SEARCH: Spent(reply.probes if reply else 0, 0, seconds)},
        shared=0,
    )
