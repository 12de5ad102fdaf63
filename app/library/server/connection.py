"""The way to Redis or Valkey: how long to wait for it, how it fails, how it ends."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from app.ports import (
    LibraryError,
    OtherTypeError,
    StoreAwayError,
    StoreDeniedError,
    UnwritableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from redis.asyncio import Redis

ANSWER_SECONDS = 0.1
"""How long an answer may take; after one retry Redis is away. No request waits for it, but a worker
that hears nothing of the others for longer would protect its callers too late."""

LARGE_ANSWER_SECONDS = 2.0
"""How long the whole library may take: 200 triggers of a model with large images are 5 MB."""

CONNECT_SECONDS = 0.5
"""How long a connection may take: on another host, with TLS."""

CONNECTIONS = 4
"""For each worker: one follows the library, one waits for a calibration, and two to spare."""

HEALTH_CHECK_SECONDS = 15
"""A connection that was idle for so long is asked if it still stands before it is used."""


def settings(answer_seconds: float) -> dict[str, Any]:
    """Return what every connection is made with, for redis-py."""
    return {
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": HEALTH_CHECK_SECONDS,
        "retry": Retry(NoBackoff(), 1),  # a connection that broke while it was idle
        "driver_info": None,  # what a limited user may not tell costs a round trip to be refused
        # Sent unasked to every server under RESP3, and known to none but Redis' own cloud.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


@asynccontextmanager
async def closing(client: Redis) -> AsyncIterator[Redis]:
    """Yield *client* and close it afterwards, with all its connections."""
    try:
        yield client
    finally:
        await client.aclose()
        pool = getattr(client, "connection_pool", None)  # a cluster's client has one a node
        if isinstance(pool, SentinelConnectionPool):
            await pool.sentinel_manager.aclose()


FULL = (
    "Redis is full, and takes nothing new: what it has is read, and what is learnt stays in this "
    "worker until there is room"
)
READ_ONLY = (
    "Redis is a read-only replica, and takes nothing new: what it has is read, and what is learnt "
    "stays in this worker; name the primary in NEO_REDIS_URL"
)
NO_WRITES = {
    "MISCONF": "Redis can't save its data, and takes nothing new: see its log",
    "NOREPLICAS": "Redis has too few replicas, and takes nothing new",
}
"""By the word that its refusal begins with."""


SHUT = "Redis lets nobody in with the user and password in NEO_REDIS_URL, or without"
DENIED = re.compile("no permission|executing the script can't run this command", re.IGNORECASE)
"""What it says of a user without a right, also within a script."""

EXHAUSTED = "exhausted the last possible ID"
"""What it says of a stream to which somebody has added the last item that there can be."""

COMMAND = re.compile(r"'([a-z|_-]{1,40})' command")


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Turn every failure of Redis into a LibraryError that says what is wrong."""
    try:
        yield
    except MasterNotFoundError as exc:  # whose text has the client's own settings
        message = "Redis is out of reach: no sentinel names a master for the service in the URL"
        raise StoreAwayError(message) from exc
    except OutOfMemoryError as exc:
        raise UnwritableError(FULL) from exc
    except ReadOnlyError as exc:  # of a primary that sentinels name it is a lost connection
        raise UnwritableError(READ_ONLY) from exc
    except AuthenticationError as exc:  # of redis-py's own tree it is a lost connection
        raise StoreDeniedError(SHUT) from exc
    except (RedisConnectionError, RedisTimeoutError, RedisClusterException, OSError) as exc:
        message = f"Redis is out of reach: {exc}"
        raise StoreAwayError(message) from exc
    except MovedError as exc:
        message = "this Redis is part of a cluster: name it with redis+cluster:// in NEO_REDIS_URL"
        raise StoreAwayError(message) from exc
    except RedisError as exc:
        raise _refusal(str(exc)) from exc


def _refusal(words: str) -> LibraryError:
    """Return the error that Redis means by these *words*."""
    word = words.partition(" ")[0]
    if word in NO_WRITES:
        return UnwritableError(NO_WRITES[word])
    if word == "WRONGTYPE" or EXHAUSTED in words:
        message = "what is under a key of the gateway's in Redis is of another type"
        return OtherTypeError(message)
    if DENIED.search(words):
        command = COMMAND.search(words)
        needed = f"the command {command[1]}" if command else "a command, or the gateway's keys"
        message = f"Redis denies the user in NEO_REDIS_URL {needed}"
        return StoreDeniedError(message)
    message = f"Redis refused: {words}"
    return LibraryError(message)
