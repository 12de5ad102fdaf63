"""The library after another model has come: what its triggers do on that one."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from app.detection.recognising.stamping import verified
from app.gateway.preparation.prepared import ask
from app.ports import UnknownTriggerError

if TYPE_CHECKING:
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Model, TriggerLibrary

logger = logging.getLogger(__name__)

ACTS = 0.5
"""Carry rate from which on a trigger acts on the model."""


async def verify_library(library: TriggerLibrary, model: Model, prepared: Prepared) -> None:
    """Measure every trigger again, and say which of them the model has. Raises UpstreamError.

    None is dropped: the model before may come back, and one that no image carries expires.
    """
    size = model.size
    acting: list[str] = []
    idle: list[str] = []
    for entry in library.entries():
        if (entry.trigger.image_height, entry.trigger.image_width) != (size.height, size.width):
            idle.append(entry.id)
            continue
        search = verified(entry.trigger, prepared.references, prepared.plan)
        trigger = await ask(search, model)
        (acting if trigger.evidence.carry_rate >= ACTS else idle).append(entry.id)
        with suppress(UnknownTriggerError):  # it has gone in the meantime
            await library.refine(entry.id, trigger)
    if acting or idle:
        logger.warning("of the known triggers the model has %s, and not %s", acting, idle)
