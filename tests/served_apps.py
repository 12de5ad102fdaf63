"""An ASGI application behind a real uvicorn, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import uvicorn

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Iterator

    from starlette.applications import Starlette


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
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
