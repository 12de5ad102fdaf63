"""The sockets that clients come in by: the same ones, whether one worker serves or several."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final

EVERYWHERE: Final = "::"
"""All addresses of this machine: those of IPv4 as well, which some systems leave out."""


class ListeningError(Exception):
    """Nobody can listen there; the message is one line for whoever starts it."""


def bound(host: str, port: int) -> list[socket.socket]:
    """Return a socket at each address that *host* stands for; nobody listens on them yet.

    Raises ListeningError where there is none, or it is taken.
    """
    try:
        return _all_bound(host, port)
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        message = f"can't listen on {host}, port {port}: {reason}; choose with --host and --port"
        raise ListeningError(message) from exc


def _all_bound(host: str, port: int) -> list[socket.socket]:
    named = host.strip("[]")
    found = socket.getaddrinfo(
        named or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
    with ExitStack() as unfinished:
        sockets = [
            unfinished.enter_context(_bound(family, address, both=named == EVERYWHERE))
            for family, address in addresses
        ]
        unfinished.pop_all()
    return sockets


def _bound(family: int, address: object, *, both: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        listener.bind(address)  # type: ignore[arg-type]  # as getaddrinfo has it
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)  # the workers get them
    return listener
