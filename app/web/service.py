"""What the routes work with, as dependencies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request

from app.gateway.predict import Gateway
from app.gateway.readiness import Part, Readiness
from app.web.answering.listeners import Listeners

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateway.readiness import Drain
    from app.web.answering.answers import Labels
    from app.web.guarding.keys import Keys
    from app.web.intake.bodies import Bodies
    from app.web.intake.pixels import PictureLimits

DRAIN: Final = "drain"
"""Under this name the application and the connections find their worker's `Drain`."""

DOOR: Final = "door"
"""Under this name the application, the connections and the server find their worker's `Door`."""


@dataclass(frozen=True)
class Service:
    """What the routes know of the model, what sizes they take, and which keys they know.

    ``bodies`` are those that are being answered, ``listeners`` those who hear the events.
    ``settings`` are what may be told of the settings.
    """

    model_name: str
    labels: Labels
    bodies: Bodies
    pictures: PictureLimits
    keys: Keys
    listeners: Listeners = field(default_factory=Listeners)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def max_body(self) -> int:
        """The largest body that is taken, in bytes."""
        return self.bodies.max_body


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


TheService = Annotated[Service, Depends(_service)]
TheGateway = Annotated[Gateway, Depends(_gateway)]


async def readiness(request: Request) -> Readiness:
    """Return whether this worker can answer, and will."""
    drain: Drain = request.app.state.drain
    if drain.begun:
        return Readiness((Part("worker", "draining: it ends in a moment"),))
    gateway: Gateway = request.app.state.gateway
    return await gateway.readiness()
