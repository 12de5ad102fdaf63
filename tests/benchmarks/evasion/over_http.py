"""A real gateway with two workers, and what lies in its store."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx

from app.library.lifecycle import LOOK_SECONDS, open_library
from app.library.records.basics import encode_time
from app.library.records.names import Keys
from app.library.rules.expiry import utc_now
from app.library.server.addresses import connected
from tests.benchmarks.evasion.doors import DOORS, heard
from tests.benchmarks.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray
    from redis.asyncio import Redis

    from app.detection.trigger import Trigger
    from app.library.triggers import RedisTriggerLibrary
    from tests.benchmarks.evasion.ground import Answer, World
    from tests.benchmarks.evasion.victims import Target

HEARD_S = 1.2 * LOOK_SECONDS
"""After so long each worker has what another client of the store has changed."""

TOLD_S = 0.5
"""After so long the store has what a worker has counted and worked out."""


class OverHttp:
    """The port `Ground`: a running gateway, through the door that is named."""

    def __init__(self, client: httpx.AsyncClient, store: Store, model: str) -> None:
        self.door = next(iter(DOORS))
        self._client = client
        self._store = store
        self._model = model
        self._world: World | None = None

    @property
    def together(self) -> int:
        """How many images go in one request."""
        return DOORS[self.door].together

    async def reset(self, world: World) -> None:
        """Let the store hold *world*: nothing is written if it does."""
        if self._world is not world:
            await self._store.hold(world)
            await asyncio.sleep(HEARD_S)
            self._world = world

    async def answers(self, images: Sequence[NDArray[Any]]) -> list[Answer]:
        """Send one request with *images*."""
        request = DOORS[self.door].request(self._model, images)
        response = await self._client.post(
            request.path, content=request.body, headers=dict(request.headers)
        )
        answers = heard(response, len(images))
        if any(one.flagged for one in answers):
            self._world = None  # it has learnt
        return answers

    async def learnt(self) -> list[Trigger]:
        """Return the triggers that the store holds by now, newest first."""
        await asyncio.sleep(TOLD_S)
        return self._store.triggers()


class Store:
    """What the workers share, as another client of it sees and changes it."""

    def __init__(self, redis: Redis, library: RedisTriggerLibrary, model: str) -> None:
        self._redis = redis
        self._library = library
        self._keys = Keys(model)

    def triggers(self) -> list[Trigger]:
        """Return the triggers that aren't dismissed, newest first."""
        return [entry.trigger for entry in self._library.entries()]

    async def hold(self, world: World) -> None:
        """Drop all triggers, and what was flagged; put those of *world* in their place.

        Calibrations stay.
        """
        await self._drop_all()
        await self._library.synchronise()
        for trigger in world.dismissed:
            await self._library.dismiss((await self._library.register(trigger)).id)
        for trigger in reversed(world.triggers):
            await self._library.register(trigger)

    async def _drop_all(self) -> None:
        """Drop them as if they had expired: what is only lost the workers would write back."""
        keys = self._keys
        known = await self._redis.hkeys(keys.triggers)
        version = cast("bytes | None", await self._redis.get(keys.version)) or b"0-"
        number, _, _ = version.partition(b"-")
        never = encode_time(utc_now() + timedelta(days=1))
        async with self._redis.pipeline(transaction=True) as changes:
            changes.delete(keys.triggers, keys.hits, keys.seen, keys.samples, *keys.flagged)
            for trigger_id in known:
                changes.hset(keys.expired, trigger_id, never)
            changes.set(keys.version, f"{int(number) + 1}-{secrets.token_hex(4)}")
            await changes.execute()


@asynccontextmanager
async def over_http(target: Target, seed: int) -> AsyncIterator[OverHttp]:
    """Run the model's server and the gateway with the default settings and a fresh store.

    The secret is the gateway's own, whatever the *seed*.
    """
    del seed
    model = target.zoo
    assert model is not None
    references = model.folder / model.meta.get("reference_split", "reference.npz")
    settings = {"NEO_REFERENCE": str(references.resolve())}
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(model, settings, Path(scratch)) as servers,
    ):
        async with (
            httpx.AsyncClient(base_url=servers.gateway, timeout=300) as client,
            connected(servers.redis) as redis,
            open_library(servers.redis, model.name) as (library, _),
        ):
            yield OverHttp(client, Store(redis, library, model.name), model.name)
