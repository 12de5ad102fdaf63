"""The way to Redis or Valkey: what a URL may say, how long to wait, how it fails."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ANSWER_SECONDS = 0.25
"""How long an answer may take. No request waits for Redis, so there is no hurry: a busy worker that
looked at nothing for a tenth of a second must not take that for Redis' silence."""

CONNECT_SECONDS = 0.5
"""How long a connection may take: on another host, with TLS."""

CONNECTIONS = 4
"""For each worker: one follows the library, one waits for a calibration, and two to spare."""

SENTINEL_PORT = 26379

EXAMPLES = (
    "redis://host:6379/0, rediss://user:password@host:6379, unix:///path/to/socket, "
    "redis+sentinel://host:26379,host:26379/service/0"
)


def connect(url: str) -> Redis:
    """Return a client for *url*, which connects when it is first used.

    Raises ValueError if it is not the URL of a Redis; the message repeats no part of it, for a
    password with a slash in it could turn up anywhere.
    """
    try:
        return _by_sentinel(url) if url.startswith("redis+sentinel:") else _directly(url)
    except ValueError as exc:
        message = f"not the URL of a Redis: {exc}; examples: {EXAMPLES}"
        raise ValueError(message) from exc


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """Yield a client for *url* and close it afterwards. Raises ValueError as `connect` does."""
    client = connect(url)
    try:
        yield client
    finally:
        await client.aclose()
        if isinstance(client.connection_pool, SentinelConnectionPool):
            await client.connection_pool.sentinel_manager.aclose()


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Turn every failure of Redis into a LibraryError that says what is wrong."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as exc:
        message = f"Redis is out of reach: {exc}"
        raise LibraryError(message) from exc
    except RedisError as exc:
        message = f"Redis refused: {exc}"
        raise LibraryError(message) from exc


def _directly(url: str) -> Redis:
    parts = urlsplit(url)
    match parts.scheme:
        case "redis" | "rediss":
            _host_and_port(parts.netloc.rpartition("@")[2])
            _database(parts.path)
        case "unix":
            if parts.netloc.rpartition("@")[2] or not parts.path:
                message = "the path of a socket begins with a slash, which makes three"
                raise ValueError(message)
        case _:
            message = "unknown scheme"
            raise ValueError(message)
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=CONNECT_SECONDS, **_settings()
    )
    try:
        pool.make_connection()  # type: ignore[no-untyped-call]  # makes no connection yet, but looks at the options
    except TypeError as exc:
        message = "an option after the ? is unknown"
        raise ValueError(message) from exc
    return Redis.from_pool(pool)


def _by_sentinel(url: str) -> Redis:
    # Not by urlsplit: since 2024 it refuses a list of hosts in which one is an IPv6 address.
    address, _, rest = url.partition("://")[2].partition("/")
    credentials, _, hosts = address.rpartition("@")
    user, _, password = credentials.partition(":")
    service, _, database = rest.partition("?")[0].strip("/").partition("/")
    if not service:
        message = "it names no service after the sentinels"
        raise ValueError(message)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [_host_and_port(host) for host in hosts.split(",")], sentinel_kwargs=_settings()
    )
    client: Redis = sentinel.master_for(
        unquote(service),
        username=unquote(user) or None,
        password=unquote(password) or None,
        db=_database(database),
        **_settings(),
    )
    return client


def _host_and_port(address: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?", address)
    if match is None:
        message = "a host is not host or host:port"
        raise ValueError(message)
    return match[1].strip("[]"), int(match[2] or SENTINEL_PORT)


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not number.isdecimal():
        message = "its database is not a number"
        raise ValueError(message)
    return int(number or 0)


def _settings() -> dict[str, Any]:
    return {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 15,
        "retry": Retry(NoBackoff(), 1),  # a connection that broke while it was idle
        # Sent unasked to every server under RESP3, and known to none but Redis' own cloud.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
