"""An ASGI application behind a real uvicorn, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import uvicorn

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from starlette.applications import Starlette


class QuickServer(uvicorn.Server):
    """A server that ends as soon as it is told to: uvicorn's own looks ten times a second."""

    async def main_loop(self) -> None:
        """Serve until it is to end."""
        while not await self.on_tick(0):  # noqa: ASYNC110  # another thread ends it
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn's own does, without its wait of a tenth of a second for those who go."""
        for server in self.servers:
            server.close()
        for shared in sockets or []:
            shared.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # those that were idle are gone then
        await self._wait_tasks_to_complete()
        await self.lifespan.shutdown()


@contextmanager
def running(
    app: Starlette,
    lifespan: Literal["on", "off"] = "off",
    tls: ssl.SSLContext | None = None,
    http: type[asyncio.Protocol] | Literal["auto"] = "auto",
    limit: int | None = None,
) -> Iterator[str]:
    """Serve *app* under uvicorn in a thread, over *tls* if given; give its base URL.

    *http* speaks with the clients, of whom there may be *limit* at once.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan=lifespan,
            ws="none",
            http=http,
            limit_concurrency=limit,
        )
        config.load()
        config.ssl = tls
        server = QuickServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
