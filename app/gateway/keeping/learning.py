"""What an image with a known trigger teaches: a hit, and in the end the trigger's own pixels."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from app.detection.defence import Known
from app.detection.own_pixels.reconstruction import reconstruct, sample
from app.detection.recognising.sighting import has_strayed, is_elsewhere
from app.detection.recognising.stamping import is_as_good
from app.gateway.preparation.prepared import ask
from app.ports import NOBODY, LibraryError, UnknownTriggerError, UpstreamError
from app.settings import Strategy

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from app.detection.geometry import Box
    from app.detection.search import Image, Search
    from app.detection.trigger import Trigger
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Model, Samples, TriggerLibrary

T = TypeVar("T")

logger = logging.getLogger(__name__)

REFINED_AT: Final = (3, 4, 5, 8)
"""Hits after which a trigger's pixels are worked out: three at least; eight are kept.

Not after each: where they have nothing in common it takes some seconds of CPU to see that."""


class Learner:
    """Counts hits at once, and works out the trigger's pixels behind the answers.

    An entry never gets worse: what is known better replaces it only where, stamped on references,
    it carries and heals at least as well.
    """

    def __init__(self, library: TriggerLibrary, model: Model, strategy: Strategy) -> None:
        self._library = library
        self._model = model
        self._strategy = strategy
        self._tried: dict[str, int] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def hit(
        self,
        trigger_id: str,
        image: Image,
        place: Box | None,
        prepared: Prepared,
        caller: str = "",
    ) -> None:
        """Count the hit of an image of *caller*, which shows it at *place*.

        Without one it isn't seen whole and once: that is counted, and teaches nothing.
        The paper's triggers stay as they are: it stores a position and searches no further.
        """
        library = self._library
        try:
            trigger = library.entry(trigger_id).trigger
        except UnknownTriggerError:  # a full library has given it up in the meantime
            return
        if trigger.alpha is not None:  # no image's pixels are the trigger's alone
            await library.hit(trigger_id, np.zeros((1, 1, image.shape[2]), np.uint8), caller)
            return
        if self._strategy is Strategy.PAPER or trigger.pieces:
            pixels = image[trigger.box.rows, trigger.box.columns]
            await library.hit(trigger_id, pixels, caller)
            return
        if place is None:
            await library.hit(trigger_id, None, caller)
            return
        samples = await library.hit(trigger_id, sample(image, trigger, place), caller)
        if len(samples) in REFINED_AT and self._tried.get(trigger_id) != len(samples):
            self._tried[trigger_id] = len(samples)
            self._behind_the_answers(self._refine(trigger_id, samples, prepared))
        if not trigger.moves and is_elsewhere(trigger, place):
            known = Known(trigger_id, trigger)
            self._behind_the_answers(self._watch(known, image, place, prepared))

    def found_again(self, trigger_id: str, found: Trigger, prepared: Prepared) -> None:
        """Take over what a search *found* of a known trigger, where it tells more than is known.

        Images aren't recognised by a box that is mostly background: each is searched again, and
        some of them show where the trigger ends.
        """
        try:
            trigger = self._library.entry(trigger_id).trigger
        except UnknownTriggerError:  # as in `hit`
            return
        if _tells_more(found, trigger):
            self._behind_the_answers(self._sharpen(trigger_id, found, prepared))

    def _behind_the_answers(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _watch(self, known: Known, image: Image, place: Box, prepared: Prepared) -> None:
        """Mark a trigger that this image shows far from its place as one that moves."""
        try:
            if await asyncio.to_thread(has_strayed, known, image, place, prepared.references):
                await self._mark_moving(known.id)
        except LibraryError:  # the next image that shows it elsewhere tells it again
            return
        except Exception:  # as in `_refine`
            logger.exception("telling whether a trigger moves failed")

    async def _mark_moving(self, trigger_id: str) -> None:
        with suppress(UnknownTriggerError):
            trigger = self._library.entry(trigger_id).trigger  # as it is now: it may be refined
            if not trigger.moves:
                await self._library.refine(trigger_id, replace(trigger, moves=True))

    async def ask(self, search: Search[T]) -> T:
        """Ask the model what *search* wants to know, on nobody's behalf. Raises UpstreamError."""
        return await ask(search, self._model, NOBODY)

    async def settle(self) -> None:
        """Wait until what has been learnt so far is in the library."""
        if self._working:
            await asyncio.gather(*self._working)

    async def close(self) -> None:
        """End what is under way: it is worked out again from the next hits."""
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working)

    async def _refine(self, trigger_id: str, samples: Samples, prepared: Prepared) -> None:
        try:
            async with self._one_at_a_time:  # each is compared with what the one before has made
                await self._refined_now(trigger_id, samples, prepared)
        except (UpstreamError, LibraryError):  # as after the next hits
            self._tried.pop(trigger_id, None)
        except Exception:  # a fault of ours must not end unheard
            logger.exception("working out a trigger's pixels failed")

    async def _refined_now(self, trigger_id: str, samples: Samples, prepared: Prepared) -> None:
        trigger = self._library.entry(trigger_id).trigger
        better = await asyncio.to_thread(reconstruct, trigger, samples, prepared.references)
        if better is not None:
            await self._replace(trigger_id, trigger, better, prepared)

    async def _sharpen(self, trigger_id: str, found: Trigger, prepared: Prepared) -> None:
        # The next image that is found anew tells it again, if the model or the store is away.
        try:
            async with self._one_at_a_time:
                trigger = self._library.entry(trigger_id).trigger
                if _tells_more(found, trigger):
                    await self._replace(trigger_id, trigger, found, prepared)
        except (UpstreamError, LibraryError, UnknownTriggerError):
            return
        except Exception:  # as above
            logger.exception("taking over what was found anew of a trigger failed")

    async def _replace(
        self, trigger_id: str, trigger: Trigger, better: Trigger, prepared: Prepared
    ) -> None:
        if await ask(is_as_good(better, trigger, prepared.references), self._model):
            moves = self._library.entry(trigger_id).trigger.moves
            await self._library.refine(trigger_id, replace(better, moves=moves))


def _tells_more(found: Trigger, trigger: Trigger) -> bool:
    """Say if *found* has an outline where nothing is known of *trigger* but a larger box.

    What acts on one class only says less of one that acts on all.
    """
    unknown = trigger.mask is None and trigger.outline is None
    alike = found.source in {None, trigger.source}
    return unknown and alike and found.outline is not None and found.box.area < trigger.box.area
