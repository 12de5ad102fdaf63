"""Looking at pictures through a gateway that runs: it screens what it is sent, and learns."""

from __future__ import annotations

import asyncio
import pickle
from functools import partial
from typing import TYPE_CHECKING, Final

from app.detection.defence import Verdict as Found
from app.gateway.outcome import SEARCHED, Prediction, Screening
from app.pictures.encoding import png_of
from app.ports import UpstreamError
from app.scan.looking.comparer import picture_of
from app.scan.looking.patience import Patience
from app.scan.looking.tasks import Asked, Examined, Looks

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.remote_gateway.answers import Reply
    from app.remote_gateway.gateway import RunningGateway
    from app.scan.looking.comparer import Comparer
    from app.scan.looking.tasks import Knowledge, Look, Task
    from app.scan.sources.items import Content

REFUSED: Final = "the gateway couldn't screen it to the end"


class GatewayLooker:
    """Looks at pictures: *comparer* says which of them *gateway* is asked about."""

    def __init__(self, gateway: RunningGateway, comparer: Comparer) -> None:
        self._gateway = gateway
        self._comparer = comparer
        self._patience = Patience()
        self._version = -1

    async def look(self, task: Task) -> Looks:
        """Return what there is to say of each picture of *task*. Raises UpstreamError."""
        if task.version != self._version:
            knowledge: Knowledge = pickle.loads(task.knowledge)  # noqa: S301  # our own process's
            self._comparer.know(knowledge.entries, knowledge.suspects)
            self._version = task.version
        read = await asyncio.to_thread(self._comparer.read, task)
        looks = await asyncio.gather(
            *(self._look(*one) for one in zip(task.contents, read, strict=True))
        )
        if self._patience.lost is not None:
            raise self._patience.lost
        return Looks(looks)

    async def _look(self, content: Content, read: Look | Asked) -> Look:
        if not isinstance(read, Asked):
            return read
        # As it came, so that the gateway decodes it as it does any caller's.
        picture = content.body if content.shape is None else png_of(picture_of(content))
        try:
            reply = await self._patience.ask(partial(self._gateway.predict_file, picture))
        except UpstreamError as exc:
            return Examined(Found.UNDECIDED, None, None, 0, searched=False, reason=str(exc))
        return _examined(reply, read.image)


def _examined(reply: Reply | None, image: Image) -> Examined:
    if reply is None or reply.screening is Screening.INCOMPLETE:
        return Examined(Found.UNDECIDED, None, None, 0, searched=False, reason=REFUSED)
    said, answer = Prediction(reply.said, None), Prediction(reply.answer, None)
    searched = reply.screening in SEARCHED
    if not reply.flagged:
        suspicious = reply.screening is Screening.SUSPICIOUS
        return Examined(Found.CLEAR, said, answer, reply.probes, searched, suspicious=suspicious)
    return Examined(
        Found.KNOWN, said, answer, reply.probes, searched, image, known=reply.trigger_id
    )
