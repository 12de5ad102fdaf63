"""The right to do something alone for a while, among all workers.

It saves work and is no guarantee: a holder that was stopped for longer than its lease may find that
another one has begun.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from app.library.server.connection import reaching_redis
from app.library.shared.background import repeating
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

LEASE_SECONDS = 4.0
"""After this a holder that has died is not waited for any longer."""

RENEWAL_SECONDS = 1.0

RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""


class Held:
    """It is true as long as its lease is held: whoever was stopped for too long has lost it."""

    def __init__(self, held: bool) -> None:  # noqa: FBT001  # the one thing that it says
        self.held = held

    def __bool__(self) -> bool:
        return self.held


@asynccontextmanager
async def lease(client: Redis, key: str) -> AsyncIterator[Held]:
    """Try to take the lease *key*; yield whether it is held, until the end of the block.

    Raises LibraryError.
    """
    token = secrets.token_hex(8)
    with reaching_redis():
        held = Held(bool(await client.set(key, token, nx=True, px=_milliseconds())))
        if not held:  # by nobody for longer than that, whatever was left there
            await client.pexpire(key, _milliseconds(), lt=True)
    if not held:
        yield held
        return

    async def renew() -> None:
        with reaching_redis():
            held.held = bool(await client.register_script(RENEW)([key], [token, _milliseconds()]))

    try:
        async with repeating(renew, RENEWAL_SECONDS):
            yield held
    finally:
        with suppress(LibraryError), reaching_redis():
            await client.register_script(RELEASE)([key], [token])


def _milliseconds() -> int:
    return int(LEASE_SECONDS * 1000)
