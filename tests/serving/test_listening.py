"""The sockets that clients come in by."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack

import pytest

from app.serving.listening import ListeningError, bound


@pytest.mark.skipif(not socket.has_ipv6, reason="the system has no IPv6")
@pytest.mark.parametrize("host", ["::", "[::]"])
def test_everywhere_is_also_ipv4(host: str) -> None:
    """The address that stands for all of IPv6 takes clients of IPv4."""
    (listener,) = bound(host, 0)
    with listener:
        assert 0 == listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        listener.listen()
        port = listener.getsockname()[1]
        for loopback in ("127.0.0.1", "::1"):
            socket.create_connection((loopback, port), 5).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_one_address(host: str) -> None:
    """A host is each address that it has, and these alone."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(listener) for listener in bound(host, 0)]
        assert {"127.0.0.1", "::1"} >= {one.getsockname()[0] for one in listeners}
        assert "127.0.0.1" in {one.getsockname()[0] for one in listeners}


def test_taken() -> None:
    """A port that somebody listens on is an error of one line."""
    taken = os.strerror(errno.EADDRINUSE).lower()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListeningError) as error:
            bound("127.0.0.1", port)
    expected = f"can't listen on 127.0.0.1, port {port}: {taken}; choose with --host and --port"
    assert expected == str(error.value)
