"""The door of a worker: while it isn't ready and another worker is, no client comes in.

A worker that can't answer refuses fast, and would draw most of the clients to itself. So it doesn't
take connections from the socket that all workers share, and the ready ones do. Where none is ready
all doors are open: somebody must say what is missing (`/readyz`, 503).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from app.gateway.readiness import Door
from app.web.service import DOOR

if TYPE_CHECKING:
    from socket import socket

    from uvicorn.config import Config


class Server(uvicorn.Server):
    """A server that listens while its door is open; its loop turns whether it does or not.

    ``relieved`` says that another worker is ready. It is set from another thread.
    """

    def __init__(self, config: Config, *, relieved: bool) -> None:
        super().__init__(config)
        self.relieved = relieved
        self.loop: asyncio.AbstractEventLoop | None = None  # once it has started

    @property
    def ready(self) -> bool:
        """Whether the application can answer, as far as it knows."""
        return self.loop is not None and self._door.ready()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start the application, then listen on *sockets* if the door is to be open."""
        self._shared = sockets or []
        await super().startup(sockets=[])
        self._door: Door = self.lifespan.state.setdefault(DOOR, Door())
        self.loop = asyncio.get_running_loop()
        await self._tend()

    async def on_tick(self, counter: int) -> bool:
        """Open or close the door as things are now; called again and again."""
        ends = await super().on_tick(counter)
        if not ends:
            await self._tend()
        return ends

    async def _tend(self) -> None:
        self._door.open = self.ready or not self.relieved
        if self._door.open and not self.servers:
            self.servers = [await self._listening(shared) for shared in self._shared]
        elif self.servers and not self._door.open:
            while self.servers:
                self.servers.pop().close()

    async def _listening(self, shared: socket) -> asyncio.Server:
        """Return what takes clients from *shared*, which stays open when that is closed."""
        return await asyncio.get_running_loop().create_server(
            self._connection, sock=shared.dup(), backlog=self.config.backlog
        )

    def _connection(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
