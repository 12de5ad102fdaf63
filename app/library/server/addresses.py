"""What a URL of Redis or Valkey may say, and the client that it makes."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from app.library.server.connection import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    CONNECTIONS,
    closing,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PORT = 6379
SENTINEL_PORT = 26379

EXAMPLES = (
    "redis://host:6379/0, rediss://user:password@host:6379, unix:///path/to/socket, "
    "redis+sentinel://host:26379,host:26379/service/0, redis+cluster://host:6379,host:6379"
)


class BlockingSentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the primary that the sentinels name; a caller waits while all are in use."""


@asynccontextmanager
async def connected(url: str, answer_seconds: float = ANSWER_SECONDS) -> AsyncIterator[Redis]:
    """Yield a client for *url* and close it afterwards. Raises ValueError as `connect` does."""
    async with closing(connect(url, answer_seconds)) as client:
        yield client


def connect(url: str, answer_seconds: float = ANSWER_SECONDS) -> Redis:
    """Return a client for *url*, which connects when it is first used.

    Raises ValueError if it is not the URL of a Redis; the message repeats no part of it, for a
    password with a slash in it could turn up anywhere.
    """
    try:
        return _connect(url, settings(answer_seconds))
    except TypeError as exc:
        message = f"not the URL of a Redis: an option after the ? is unknown; examples: {EXAMPLES}"
        raise ValueError(message) from exc
    except ValueError as exc:
        message = f"not the URL of a Redis: {exc}; examples: {EXAMPLES}"
        raise ValueError(message) from exc


def without_credentials(url: str) -> str:
    """Return *url* as it may be told; of a Redis one that `connect` takes."""
    scheme, _, rest = url.partition("://")
    place = re.match(r"([^/?#]*)([^?#]*)", rest)
    assert place is not None  # noqa: S101  # it matches anything
    return f"{scheme}://{place[1].rpartition('@')[2]}{place[2]}"


def _connect(url: str, how: dict[str, Any]) -> Redis:
    # Not by urlsplit: since 2024 it refuses a list of hosts in which one is an IPv6 address.
    match url.partition(":")[0]:
        case "redis" | "rediss" | "unix":
            return _directly(url, how)
        case "redis+sentinel" | "rediss+sentinel":
            return _by_sentinel(url, how)
        case "redis+cluster" | "rediss+cluster":
            return _to_cluster(url, how)
        case _:
            message = "unknown scheme"
            raise ValueError(message)


def _directly(url: str, how: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    if parts.scheme != "unix":
        _host_and_port(parts.netloc.rpartition("@")[2], PORT)
        _database(parts.path)
    elif parts.netloc.rpartition("@")[2] or not parts.path:
        message = "the path of a socket begins with a slash, which makes three"
        raise ValueError(message)
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=CONNECT_SECONDS, **how
    )
    # Makes no connection yet, but looks at the options.
    pool.make_connection()  # type: ignore[no-untyped-call]
    return Redis.from_pool(pool)


def _by_sentinel(url: str, how: dict[str, Any]) -> Redis:
    hosts, path, options = _several(url, SENTINEL_PORT)
    service, _, database = path.strip("/").partition("/")
    if not service:
        message = "it names no service after the sentinels"
        raise ValueError(message)
    own = {name: options.pop(name) for name in ("username", "password") if name in options}
    sentinel = Sentinel(hosts, sentinel_kwargs=how | options)  # type: ignore[no-untyped-call]
    client: Redis = sentinel.master_for(
        unquote(service),
        connection_pool_class=BlockingSentinelPool,
        max_connections=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        db=_database(database),
        **(how | options | own),
    )
    client.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # as above
    return client


def _to_cluster(url: str, how: dict[str, Any]) -> Redis:
    hosts, path, options = _several(url, PORT)
    if path.strip("/"):
        message = "a cluster has no databases and no service"
        raise ValueError(message)
    cluster = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in hosts],
        # After a restart of all of it under other addresses only the names in the URL lead there.
        dynamic_startup_nodes=False,
        **(how | options),
    )
    return cast("Redis", cluster)  # it has the same commands


def _several(url: str, port: int) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    """Return the hosts, the path and the options of a *url* with several hosts."""
    scheme, _, rest = url.partition("://")
    address, slash, rest = rest.partition("/")
    credentials, at, names = address.rpartition("@")
    path, _, query = rest.partition("?")
    if not slash:
        names, _, query = names.partition("?")
    hosts = [_host_and_port(name, port) for name in names.split(",")]
    secure = "rediss" if scheme.startswith("rediss") else "redis"
    options: dict[str, Any] = dict(parse_url(f"{secure}://{credentials}{at}host?{query}"))
    if options.pop("connection_class", None):
        options["ssl"] = True
    del options["host"]
    return hosts, path, options


def _host_and_port(address: str, default: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?", address)
    if match is None:
        message = "a host is not host or host:port"
        raise ValueError(message)
    return match[1].strip("[]"), int(match[2] or default)


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not number.isdecimal():
        message = "its database is not a number"
        raise ValueError(message)
    return int(number or 0)
