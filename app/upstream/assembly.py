"""Opening the model: its session, its dialect, and what the owner has said of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from app.settings import InputSettings, Protocol
from app.upstream.answers.class_names import ClassNames
from app.upstream.dialects.image import ImageFiles
from app.upstream.dialects.instances import Instances
from app.upstream.dialects.oip import Oip
from app.upstream.http.limits import Limits
from app.upstream.http.session import Access, Session
from app.upstream.model import UpstreamModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.events import Events
    from app.upstream.answers.rankings import Template
    from app.upstream.dialects.dialect import Dialect


@dataclass(frozen=True)
class Server:
    """A model server as its owner describes it.

    ``outputs`` are asked for, the first has the answer; ``labels`` are the class names in the order
    of their indices; ``template`` finds the answer where the protocol leaves its place open.
    """

    url: str
    model: str
    protocol: Protocol = Protocol.OIP
    outputs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    template: Template | None = None
    access: Access = field(default_factory=Access)


@asynccontextmanager
async def open_model(
    server: Server,
    settings: InputSettings | None = None,
    limits: Limits | None = None,
    events: Events | None = None,
) -> AsyncIterator[UpstreamModel]:
    """Open the model behind *server*; nothing is sent before it is used."""
    limits = limits or Limits()
    async with Session(server.url, limits, server.access, events) as session:
        model = UpstreamModel(_dialect(server, session), settings or InputSettings(), limits)
        try:
            yield model
        finally:
            await model.close()


def _dialect(server: Server, session: Session) -> Dialect:
    names = ClassNames(server.labels)
    match server.protocol:
        case Protocol.OIP:
            return Oip(session, server.model, names, server.outputs)
        case Protocol.INSTANCES:
            return Instances(session, server.url, server.model, names, server.outputs)
        case Protocol.IMAGE:
            return ImageFiles(session, server.model, names, server.template)
        case _:
            assert_never(server.protocol)
