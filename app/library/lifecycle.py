"""The library's doors: open it, keep it up to date in the background, close it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from app import metrics
from app.events import Events
from app.events.fleet import Fleet
from app.history import History
from app.incidents import LIVES, Incidents
from app.library.records.names import Keys
from app.library.rules.expiry import LIFETIMES
from app.library.server.addresses import connected
from app.library.server.connection import LARGE_ANSWER_SECONDS
from app.library.shared.background import repeating
from app.library.shared.calibration_store import RedisCalibrationStore
from app.library.shared.event_stream import RedisEventStream
from app.library.shared.history import SharedHistory
from app.library.shared.incidents import SharedIncidents
from app.library.shared.news import News
from app.library.shared.store import Store
from app.library.shared.suspects import SharedSuspects
from app.library.triggers import RedisTriggerLibrary
from app.ports import LibraryError
from app.suspects import Suspects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
    from datetime import datetime, timedelta

    from prometheus_client import Gauge
    from redis.asyncio import Redis

    from app.library.records.names import KeptKeys
    from app.library.rules.expiry import Lifetimes

LOOK_SECONDS = 1.0
"""Between two looks at the version where nothing is heard: a change is heard at once (`News`), but
for what an older release makes while both run, or somebody by hand."""

EXCHANGE_SECONDS = 0.2
"""Between two exchanges of counts, while there are any; else they are heard with LOOK_SECONDS."""

MINUTES_SECONDS = 2.0
"""Between two times that the others are told what was answered in this minute."""


@asynccontextmanager
async def open_library(  # noqa: PLR0913  # what is shared, by whose clocks, told to whom
    url: str,
    model: str,
    *,
    lifetimes: Lifetimes = LIFETIMES,
    clock: Callable[[], datetime] | None = None,
    store_clock: Callable[[], datetime] | None = None,
    events: Events | None = None,
    history: History | None = None,
    fleet: Fleet | None = None,
    incidents: Incidents | None = None,
    incidents_live: timedelta = LIVES,
    suspects: Suspects | None = None,
    flagged: Suspects | None = None,
) -> AsyncIterator[tuple[RedisTriggerLibrary, RedisCalibrationStore]]:
    """Yield what all workers in front of *model* share, in the Redis at *url*.

    Redis may be away: then the library says so by `problem`, and `check` tells when it has been
    read. At the end what is still to be written is written, if Redis is there. A *clock* takes the
    place of this machine's, a *store_clock* that of the server's. Raises ValueError for a bad URL.
    *history*, *incidents*, *suspects* and, if there are any, *flagged* pictures are this worker's,
    and become those of all; *fleet* hears the events of all.
    """
    async with connected(url) as client, connected(url, LARGE_ANSWER_SECONDS) as patient:
        keys = Keys(model)
        store = Store(client, keys, patient=patient, clock=store_clock)
        events = events or Events()
        library = RedisTriggerLibrary(store, lifetimes=lifetimes, clock=clock, events=events)
        shared = RedisEventStream(client, keys, fleet or Fleet(events), store.unreadable)
        news = News(patient, keys.news, *shared.followed)
        calibrations = RedisCalibrationStore(client, keys, store.unreadable)

        minutes = SharedHistory(client, keys, history or History(), store.unreadable)
        own = incidents or Incidents()
        own.clock = library.now
        listed = SharedIncidents(
            client,
            keys,
            own,
            store.unreadable,
            library.reach,
            lives=incidents_live,
            clock=store_clock,
        )
        share = partial(_shared, client, library, store, store_clock)
        kept = [share(keys.suspects, suspects or Suspects(), gauge=metrics.SUSPECTS)]
        if flagged is not None:
            kept.append(share(keys.flagged, flagged, what="flagged pictures"))
        owed = False

        async def keep_up() -> None:
            nonlocal owed
            owed |= await library.synchronise()
            if owed:
                await calibrations.write_back()
                owed = False

        async def tell() -> None:
            if library.has_counted:
                await library.exchange()

        async def tell_kept() -> None:
            await _each(one.tell() for one in kept)

        async def exchange_kept() -> None:
            await _each(one.exchange() for one in kept)

        with suppress(LibraryError):
            await keep_up()
        try:
            async with (
                news.waking(library.stirred),
                repeating(keep_up, LOOK_SECONDS, library.stirred),
                repeating(tell, EXCHANGE_SECONDS),
                repeating(shared.write, EXCHANGE_SECONDS),
                repeating(library.exchange, LOOK_SECONDS),
                repeating(minutes.tell, MINUTES_SECONDS),
                repeating(listed.tell, EXCHANGE_SECONDS),
                repeating(tell_kept, EXCHANGE_SECONDS),
                repeating(exchange_kept, LOOK_SECONDS),
            ):
                yield library, calibrations
        finally:
            with suppress(LibraryError):
                await library.synchronise()
                await library.exchange()
                await shared.write()
                await listed.tell()
                await tell_kept()


async def _each(calls: Iterable[Coroutine[None, None, None]]) -> None:
    """Make all of *calls*, also where one fails; raise what the first has raised that does."""
    for told in await asyncio.gather(*calls, return_exceptions=True):
        if told is not None:
            raise told


def _shared(  # noqa: PLR0913, PLR0917  # what they are shared by, and how
    client: Redis,
    library: RedisTriggerLibrary,
    store: Store,
    clock: Callable[[], datetime] | None,
    keys: KeptKeys,
    own: Suspects,
    *,
    what: str = "suspects",
    gauge: Gauge | None = None,
) -> SharedSuspects:
    """Have a worker's *own* become those of all, as long as they live here."""
    own.clock = library.now
    return SharedSuspects(
        client,
        keys,
        own,
        store.unreadable,
        library.reach,
        what=what,
        gauge=gauge,
        lives=own.lives,
        clock=clock,
    )
