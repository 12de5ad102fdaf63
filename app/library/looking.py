"""A look at the store, which changes nothing: whether it is there, and what it has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoPermissionError, ReadOnlyError

from app.library.records.names import Keys
from app.library.server.addresses import connected, without_credentials
from app.library.server.connection import LARGE_ANSWER_SECONDS, reaching_redis
from app.library.server.embedded import embedded_valkey, is_claimed
from app.library.shared.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from redis.asyncio import Redis


async def look_at_store(url: str, model: str) -> tuple[str, ...]:
    """Say what is in the Redis at *url* for *model*.

    Whether its user may write is not tried. Raises LibraryError, ValueError for a bad URL.
    """
    keys = Keys(model)
    async with connected(url, LARGE_ANSWER_SECONDS) as client:
        await Store(client, keys).version()
        with reaching_redis():
            if await _is_replica(client):
                raise ReadOnlyError
            triggers = await client.hlen(keys.triggers)
    return (f"{without_credentials(url)} is there, with {triggers} triggers of {model}",)


async def look_at_own_store(directory: Path) -> tuple[str, ...]:
    """Say how it is with a Valkey of our own that keeps its data in *directory*.

    One is started in memory, beside it. Raises LibraryError. To be called in the main thread.
    """
    with embedded_valkey() as url:
        async with connected(url) as client:
            with reaching_redis():
                await client.ping()
    where = f"none is named in NEO_REDIS_URL: `serve` starts a Valkey, which keeps {directory}"
    if await asyncio.to_thread(is_claimed, directory):
        return where, "a gateway that runs here has it now: a second one needs NEO_REDIS_URL"
    return (where,)


async def _is_replica(client: Redis) -> bool:
    """Say if it takes no writes, as far as it may be asked."""
    try:
        told: Any = await client.info("replication")
    except NoPermissionError:
        return False
    return bool(told.get("role") == "slave" and told.get("slave_read_only") == 1)
