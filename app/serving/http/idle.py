"""Connections that are kept between requests make room for new ones when there is none."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable


def close_longest_idle(connections: Iterable[object]) -> bool:
    """Close the one that has had its answers and been idle for longest; return if there is one."""
    idle = [
        (waiting.when(), one.transport)
        for one in connections
        if isinstance(one, HttpToolsProtocol)
        and (waiting := one.timeout_keep_alive_task) is not None
        and not one.transport.is_closing()
        and not one.transport.get_write_buffer_size()
    ]
    if not idle:
        return False
    _, longest = min(idle, key=itemgetter(0))
    metrics.CONNECTIONS_CUT.labels("idle").inc()
    longest.close()
    return True
