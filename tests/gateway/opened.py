"""The real gateway on the tiny model, with its library in a real Valkey."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from app.detection.paper import Parameters
from app.events.fleet import Fleet
from app.gateway.admission.rates import FREE
from app.gateway.keeping.locking import LASTS
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.library_check import verify_library
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator
from app.gateway.visit import Visit
from app.incidents import Incidents
from app.library.lifecycle import open_library
from app.ports import Arrival
from app.settings import FailurePolicy, SearchMode, Strategy
from app.suspects import Suspects
from tests.heard import Heard
from tests.library.servers import eventually
from tests.tiny import TARGET, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from app.detection.search import Image, Images
    from app.events import Events
    from app.gateway.admission.rates import Account
    from app.gateway.keeping.recording import Keeper
    from app.gateway.outcome import Outcome
    from app.gateway.preparation.prepared import Prepared
    from app.library.shared.calibration_store import RedisCalibrationStore
    from app.library.triggers import RedisTriggerLibrary
    from app.ports import InputSize

Load: TypeAlias = "Callable[[InputSize], Images]"
Verify: TypeAlias = "Callable[[Prepared], Awaitable[None]]"

REFERENCES = clean_images(60, np.random.default_rng(5))
TRIGGER_MAX = 0.316
START_S = 60.0
"""For a preparation on a machine with other things to do."""


def usual_references(_: InputSize) -> Images:
    """Return them, whatever the model takes."""
    return REFERENCES


@dataclass(frozen=True)
class Opened:
    """A worker's gateway, and what is behind it."""

    gateway: Gateway
    model: TinyModel
    library: RedisTriggerLibrary
    preparation: Preparation
    events: Heard
    incidents: Incidents
    flagged: Suspects

    async def predict(self, image: Image, pay: Account = FREE) -> Outcome:
        """Have the gateway judge *image*."""
        return await self.gateway.predict(Visit(Arrival(image), pay))


@asynccontextmanager
async def opened(  # noqa: PLR0913  # each may be another than usual
    url: str,
    name: str,
    model: TinyModel | None = None,
    *,
    prepare: bool = True,
    load: Load = usual_references,
    verify: Verify | None = None,
    keeper: Keeper | None = None,
    clock: Callable[[], datetime] | None = None,
    **changed: Any,
) -> AsyncIterator[Opened]:
    """Open the gateway of one worker in front of the model *name*; its policy is *changed*.

    A *clock* takes the place of its own and of the store's.
    """
    model = model or TinyModel()
    events = Heard()
    incidents, suspects, flagged = Incidents(), Suspects(), Suspects(lives=LASTS)
    fleet = Fleet(events)
    library_of = partial(open_library, url, name, events=events, incidents=incidents, fleet=fleet)
    kept = partial(library_of, suspects=suspects, flagged=flagged)
    async with kept(clock=clock, store_clock=clock) as (library, store):
        its_policy = policy(**changed)
        preparation = preparing(
            model,
            library,
            store,
            its_policy.strategy,
            load,
            verify,
            events,
            second_opinion=its_policy.second_opinion,
        )
        gateway = Gateway(
            model,
            library,
            preparation,
            its_policy,
            events,
            incidents=incidents,
            fleet=fleet,
            keeper=keeper,
            suspects=suspects,
            flagged=flagged,
        )
        worker = Opened(gateway, model, library, preparation, events, incidents, flagged)
        try:
            if not prepare:
                yield worker
                return
            async with preparation.running():
                await eventually(lambda: preparation.prepared is not None, START_S)
                yield worker
        finally:
            await gateway.close()


def preparing(  # noqa: PLR0913, PLR0917  # as above
    model: TinyModel,
    library: RedisTriggerLibrary,
    store: RedisCalibrationStore,
    strategy: Strategy = Strategy.FULL,
    load: Load = usual_references,
    verify: Verify | None = None,
    events: Events | None = None,
    *,
    second_opinion: float | None = None,
) -> Preparation:
    """Return a preparation with the usual references."""
    return Preparation(
        Calibrator(
            model,
            store,
            load,
            identity="tiny",
            trigger_max=TRIGGER_MAX,
            strategy=strategy,
            served=model,
            second_opinion=second_opinion,
        ),
        library.check,
        verify or partial(verify_library, library, model),
        events,
    )


def policy(**changed: Any) -> Policy:
    """Return the usual policy but for what is *changed*."""
    usual: dict[str, Any] = {
        "strategy": Strategy.FULL,
        "search": SearchMode.CONTINUE,
        "patience_s": 10.0,
        "on_failure": FailurePolicy.CLOSED,
        "probe_budget": None,
        "paper": Parameters(positions=100),
    }
    return Policy(**(usual | changed))


def innocents(n: int, seed: int = 9) -> Images:
    """Return *n* clean images of other classes than the backdoor's target."""
    images = clean_images(3 * n, np.random.default_rng(seed))
    others = np.flatnonzero(TinyModel().classify(images).labels != TARGET)
    return np.stack([images[i] for i in others[:n]])
