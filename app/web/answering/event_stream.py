"""Events as a browser's EventSource reads them (server-sent events, in the HTML standard)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from app.events.fleet import is_later
from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from app.events.fleet import Fleet, Told
    from app.web.answering.listeners import Listener, Listeners

HEARTBEAT_S: Final = 15.0
"""Proxies close what is silent for longer, often after 30 s or 60 s."""

RETRY_MS: Final = 3000
"""After what a browser asks again when its stream has ended."""

LIFE_S: Final = 900.0
"""Then the stream ends: who asks again has to have the right key yet."""

HEADERS: Final = {"X-Accel-Buffering": "no"}
"""nginx would keep the events until there are some kilobytes."""


class EventStream(EventSourceResponse):
    """What a new listener among *listeners* hears of *fleet*, after *place* if it was there before.

    Raises TooManyListenersError.
    """

    def __init__(self, fleet: Fleet, listeners: Listeners, place: str | None) -> None:
        self._listeners = listeners
        self._listener = listeners.join(fleet)
        super().__init__(_written(self._listener, fleet, place), headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI) until it is over, or the listener has gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._listeners.leave(self._listener)


async def _written(listener: Listener, fleet: Fleet, place: str | None) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    end = clock() + LIFE_S
    yield format_sse_event(retry=RETRY_MS)
    try:
        if place and fleet.stream and is_later(place, await fleet.stream.newest()):
            place = None  # a store that has lost its events begins anew
        while place and fleet.stream and (missed := await fleet.stream.since(place)):
            for one in missed:
                place = one.place
                yield _line(one)
    except LibraryError:  # whoever asks again will hear it
        return
    while not listener.over and clock() < end:
        told = await listener.next(HEARTBEAT_S)
        if told is None:
            yield KEEPALIVE_COMMENT
        elif not (place and told.place) or is_later(told.place, place):
            yield _line(told)


def _line(told: Told) -> bytes:
    event = told.event
    fields = {
        "event": event.kind.value,
        "event_id": event.id,
        "time": event.at.isoformat(),
        "facts": dict(event.facts),
    }
    return format_sse_event(
        id=told.place or None, event=event.kind.value, data_str=orjson.dumps(fields).decode()
    )
