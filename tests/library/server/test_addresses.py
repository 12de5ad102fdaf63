"""Which URLs are taken, and what is said of the others."""

from __future__ import annotations

import pytest

from app.library.server.addresses import connect, without_credentials


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://host:6379/3",
        "redis://user:pass%2Fword@host:6379/0?socket_timeout=1",
        "redis://[::1]:6379",
        "rediss://:password@host:6380",
        "unix:///run/valkey.sock",
        "unix:///run/a%20b.sock?db=2",
        "redis+sentinel://one:26379,two:26379/primary",
        "redis+sentinel://user:password@one,[::1]:26379/primary/2",
        "rediss+sentinel://one,two/primary?ssl_cert_reqs=none",
        "redis+cluster://one:6379,two,[::1]:6379",
        "redis+cluster://user:pass%2Fword@one:6379/?health_check_interval=5",
        "rediss+cluster://one?ssl_cert_reqs=none",
    ],
)
async def test_takes_the_urls_of_a_redis(url: str) -> None:
    """Each kind of URL that the settings promise makes a client, without a connection."""
    await connect(url).aclose()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "unknown scheme"),
        ("host:6379", "unknown scheme"),
        ("http://host:6379", "unknown scheme"),
        ("valkey+unix:///run/valkey.sock", "unknown scheme"),
        ("redis://", "a host is not host or host:port"),
        ("redis://host:secret", "a host is not host or host:port"),
        ("redis://user:secret/word@host", "a host is not host or host:port"),
        ("redis://host/secret", "its database is not a number"),
        ("redis://host?socket_timeout=soon", "Invalid value for 'socket_timeout'"),
        ("redis://host?secret=1", "an option after the ? is unknown"),
        ("unix://run/valkey.sock", "which makes three"),
        ("unix://", "which makes three"),
        ("redis+sentinel://host:26379", "it names no service"),
        ("redis+sentinel://host:secret/primary", "a host is not host or host:port"),
        ("redis+sentinel://host/primary/secret", "its database is not a number"),
        ("redis+sentinel://one,,two/primary", "a host is not host or host:port"),
        ("redis+sentinel://one/primary?secret=1", "an option after the ? is unknown"),
        ("redis+cluster://", "a host is not host or host:port"),
        ("redis+cluster://one:secret", "a host is not host or host:port"),
        ("redis+cluster://user:secret/word@one", "a host is not host or host:port"),
        ("redis+cluster://one/3", "a cluster has no databases"),
        ("redis+cluster://one?secret=1", "an option after the ? is unknown"),
    ],
)
def test_says_what_is_wrong_with_a_url(url: str, reason: str) -> None:
    """A wrong URL is refused at once, with a reason and examples, and without its secrets."""
    with pytest.raises(ValueError, match="examples: redis://") as caught:
        connect(url)
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://user:hunter2@redis:6379/0", "redis://redis:6379/0"),
        ("redis://redis?password=hunter2@x", "redis://redis"),
        ("unix://:hunter2@/run/valkey.sock?db=0", "unix:///run/valkey.sock"),
        ("redis+sentinel://u:hunter2@s1,s2:1/name/0?a=b", "redis+sentinel://s1,s2:1/name/0"),
        ("redis+cluster://:hunt%40er@[::1]:6379,n2", "redis+cluster://[::1]:6379,n2"),
    ],
)
def test_an_address_is_told_without_its_password(url: str, told: str) -> None:
    """Neither that before the host nor one among the options."""
    assert told == without_credentials(url)
