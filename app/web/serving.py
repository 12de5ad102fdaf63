"""What the routes work with, as dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from app.gateway.predict import Gateway

if TYPE_CHECKING:
    from app.settings import Resize
    from app.web.answers import Labels
    from app.web.bodies import Bodies
    from app.web.keys import Keys


@dataclass(frozen=True)
class Service:
    """What is said of the model; what is taken: bytes of a body, pixels of a picture; from whom.

    ``bodies`` are those that are being answered. ``resize`` is how pictures are made to fit the
    model.
    """

    model_name: str
    labels: Labels
    bodies: Bodies
    max_pixels: int
    keys: Keys
    resize: Resize

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
