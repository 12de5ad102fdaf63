"""What is usual of a new trigger's pixels on clean images, measured before an image asks for it.

That takes 24 searches: 20 ms of a small image, five times that for a trigger that moves, in the one
thread that answers everybody. So it is done beside that thread, for the triggers that came last.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from app.detection.blended import recognising
from app.detection.defence import Known
from app.detection.recognising import sharp, strange, strewn
from app.detection.recognising.asking import GLIMPSED_SIDE
from app.detection.recognising.sighting import (
    is_familiar,
    usual_at_home,
    usual_in_own_size,
    usual_sighting,
)
from app.detection.second_opinion.lens import span_of
from app.detection.suspects import lockout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.reference_set.references import References
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Entry

logger = logging.getLogger(__name__)

NEWEST: Final = 8
"""Triggers that are measured beforehand. Of a library that was read at the start most are never
asked for."""


class Familiarity:
    """Measures what is usual of triggers, one after the other; and of *pictures* if so."""

    def __init__(self, *, pictures: bool = False) -> None:
        self._pictures = pictures
        self._task: asyncio.Task[None] | None = None
        self._settled: tuple[object, object] = (None, None)  # every image asks

    def gain(self, newest_first: Sequence[Entry], prepared: Prepared) -> None:
        """Begin to measure those that came last and aren't known yet, unless that goes on."""
        references = prepared.references
        if self._settled[0] is newest_first and self._settled[1] is references:
            return
        if self._task is not None and not self._task.done():
            return
        newest = [Known(entry.id, entry.trigger) for entry in newest_first[:NEWEST]]
        new = [one for one in newest if not _is_familiar(one, references)]
        if not new:
            self._settled = newest_first, references
        else:
            self._task = asyncio.create_task(_measured(new, prepared, self._pictures))

    async def close(self) -> None:
        """Wait until what is being measured has been: a thread can't be ended."""
        if self._task is not None:
            await self._task


def _is_familiar(known: Known, references: References) -> bool:
    if known.trigger.alpha is not None:
        return recognising.is_familiar(known, references)
    return is_familiar(known, references)


async def _measured(new: Sequence[Known], prepared: Prepared, pictures: bool) -> None:  # noqa: FBT001
    references = prepared.references
    try:
        for one in new:
            if one.trigger.alpha is not None:
                span = await asyncio.to_thread(span_of, references)
                await asyncio.to_thread(recognising.measure, one, references, span)
                continue
            await asyncio.to_thread(usual_sighting, one, references)
            await asyncio.to_thread(usual_at_home, one, references)
            if min(references.images.shape[1:3]) < GLIMPSED_SIDE:
                await asyncio.to_thread(usual_in_own_size, one, references)
            await asyncio.to_thread(strewn.measure, one, references)
            await asyncio.to_thread(strange.measure, one, references)
            await asyncio.to_thread(sharp.measure, one, references)
        if pictures:
            await asyncio.to_thread(lockout.measure, references)
    except Exception:  # a fault of ours must not end unheard
        logger.exception("measuring what is usual of a trigger failed")
