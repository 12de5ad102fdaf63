"""All that a process needs to look at pictures, as it goes through a pipe."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.detection.reference_set.references import Calibration, References
from app.gateway.preparation.prepared import Prepared
from app.kept import library_of
from app.scan.looking.by_gateway import GatewayLooker
from app.scan.looking.comparer import Comparer
from app.scan.looking.gateway_library import opened_gateway
from app.scan.looking.looker import Looker
from app.scan.looking.model import opened_model
from app.scan.looking.patience import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.plan import Plan
    from app.detection.search import Images
    from app.gateway.policy import Policy
    from app.scan.looking.comparer import Decoding
    from app.scan.looking.model import GatewaySource, ModelSource
    from app.scan.looking.tasks import Looks, Task

NO_CLASS = -1
"""Of references that no model was asked about."""


class Looking(Protocol):
    """Whoever looks at pictures."""

    async def look(self, task: Task) -> Looks:
        """Return what there is to say of each picture of *task*. Raises UpstreamError."""
        ...


@dataclass(frozen=True, eq=False)
class Equipment:
    """For the model itself: behind a server, or in a file."""

    source: ModelSource
    images: Images
    calibration: Calibration
    seed: int
    plan: Plan
    policy: Policy
    decoding: Decoding

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Looking]:
        """Open the model. Raises OnnxError, UpstreamError."""
        references = References(self.images, self.calibration, {}, self.seed)
        prepared = Prepared(references, self.plan, "")
        async with opened_model(self.source) as model:
            await Patience().ask(model.check)  # only then it's known what images it takes
            yield Looker(model, prepared, self.policy, self.decoding, library_of)


@dataclass(frozen=True, eq=False)
class GatewayEquipment:
    """For a gateway that runs; ``images`` tell what clean ones look like."""

    source: GatewaySource
    images: Images
    seed: int
    decoding: Decoding

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Looking]:
        """Open the gateway."""
        unknown = np.full(len(self.images), NO_CLASS)
        calibration = Calibration(unknown, np.zeros((0, 0), np.int64))
        references = References(self.images, calibration, {}, self.seed)
        async with opened_gateway(self.source) as gateway:
            comparer = Comparer(self.source.size, self.decoding, references)
            yield GatewayLooker(gateway, comparer)
