"""What was measured once on the reference set, shared through Redis."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.library.records.basics import EncodingError
from app.library.records.calibration_encoding import decode_calibration, encode_calibration
from app.library.records.encoding import decode_rate
from app.library.records.names import SEED_BITS
from app.library.records.reading import Unreadable
from app.library.server.connection import reaching_redis
from app.library.shared.leases import lease
from app.library.shared.lua import library
from app.logs import told
from app.ports import LibraryError, OtherTypeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from redis.asyncio import Redis

    from app.detection.reference_set.references import Calibration
    from app.library.records.names import Keys

logger = logging.getLogger(__name__)

RATES_KEPT = timedelta(days=60)
"""After the last one was added: those of a model that has gone go, too."""

WAIT_SECONDS = 0.1
"""Between two looks whether the worker that measures has finished."""


class RedisCalibrationStore:
    """The port `CalibrationStore` on Redis; it remembers all that went through it.

    `write_back` is to be called when Redis has been away and may have lost it.
    """

    def __init__(self, client: Redis, keys: Keys, unreadable: Unreadable | None = None) -> None:
        self._client = client
        self._keys = keys
        self._unreadable = unreadable or Unreadable()
        self._seed = client.register_script(library.SEED)
        self._values: dict[str, bytes | str] = {}
        self._rates: dict[str, dict[str, float]] = {}

    async def seed(self) -> int:
        """Return this deployment's secret seed, made on first use and the same for all workers.

        It is the one in Redis now, or while that is out of reach the last one that was there.
        Raises LibraryError if none is known here: another seed than the others' would be worse than
        none.
        """
        name = self._keys.seed
        known = self._values.get(name)
        try:
            with reaching_redis():
                offer = known or str(secrets.randbits(SEED_BITS)).encode()
                kept = await self._seed([name], [offer, 2**SEED_BITS])
            if isinstance(kept, list):
                kept, instead = kept
                if instead:
                    self._unreadable.leave_out(name)
            self._values[name] = kept
        except LibraryError:
            if known is None:
                raise
        return int(self._values[name])

    async def calibration(
        self,
        key: str,
        measure: Callable[[], Awaitable[Calibration]],
        outdated: Calibration | None = None,
    ) -> Calibration:
        """Return the calibration kept under *key*; one worker alone measures it if there is none.

        An *outdated* one counts as none, and is replaced. Errors of *measure* reach the worker that
        measured; another one then tries. A worker that can't reach Redis measures for itself.
        """
        refused = None if outdated is None else encode_calibration(outdated)
        if refused is not None and self._values.get(self._keys.calibration(key)) == refused:
            del self._values[self._keys.calibration(key)]
        try:
            while (kept := await self._kept(key, refused)) is None:
                async with lease(self._client, self._keys.lease(key)) as alone:
                    # Between the look and the lease another worker may have finished.
                    if alone and await self._kept(key, refused) is None:
                        return await self._measured(key, measure)
                await asyncio.sleep(WAIT_SECONDS)
        except LibraryError as exc:
            logger.warning("the calibration is measured by this worker alone: %s", told(exc))
            return await self._measured(key, measure)
        return kept

    async def placebo_rates(self, key: str) -> dict[str, float]:
        """Return all placebo rates kept under *key*, by the name that the core gives them.

        Without Redis they are those that this worker knows.
        """
        rates = self._rates.setdefault(key, {})
        with suppress(LibraryError):
            rates.update(await self._kept_rates(self._keys.placebo_rates(key)))
        return dict(rates)

    async def _kept_rates(self, name: str) -> dict[str, float]:
        try:
            with reaching_redis():
                kept: dict[Any, Any] = await self._client.hgetall(name)
        except OtherTypeError:
            await self._clear(name)
            return {}
        rates = {}
        for question, text in kept.items():
            try:
                rates[question.decode()] = decode_rate(text)
            except (EncodingError, UnicodeDecodeError):
                self._unreadable.leave_out(name, question, text)
        return rates

    async def _clear(self, name: str) -> None:
        """Take away what is of another type."""
        self._unreadable.leave_out(name)
        with reaching_redis():
            await self._client.delete(name)

    async def keep_placebo_rates(self, key: str, rates: Mapping[str, float]) -> None:
        """Keep more placebo rates under *key*; without Redis, in this worker until it is back."""
        self._rates.setdefault(key, {}).update(rates)
        with suppress(LibraryError):
            await self._write_rates(key, rates)

    async def write_back(self) -> None:
        """Write what this worker knows and Redis doesn't. Raises LibraryError."""
        for name, value in tuple(self._values.items()):  # more may come meanwhile
            with reaching_redis():
                await self._client.set(name, value, nx=True)
        for key, rates in tuple(self._rates.items()):
            await self._write_rates(key, dict(rates))

    async def _kept(self, key: str, refused: bytes | None) -> Calibration | None:
        name = self._keys.calibration(key)
        try:
            with reaching_redis():
                value = self._values.get(name) or await self._client.get(name)
        except OtherTypeError:
            await self._clear(name)
            return None
        if value in {None, refused}:
            return None
        try:
            calibration = decode_calibration(value)
        except EncodingError:
            self._unreadable.leave_out(name)
            return None
        self._values[name] = value
        return calibration

    async def _measured(
        self, key: str, measure: Callable[[], Awaitable[Calibration]]
    ) -> Calibration:
        name = self._keys.calibration(key)
        calibration = await measure()
        self._values[name] = encode_calibration(calibration)
        with suppress(LibraryError), reaching_redis():
            await self._client.set(name, self._values[name])
        return calibration

    async def _write_rates(self, key: str, rates: Mapping[str, float]) -> None:
        if rates:
            encoded: dict[Any, Any] = {name: float(rate) for name, rate in rates.items()}
            name = self._keys.placebo_rates(key)
            try:
                with reaching_redis():
                    await self._client.hset(name, mapping=encoded)
            except OtherTypeError:
                await self._clear(name)
                with reaching_redis():
                    await self._client.hset(name, mapping=encoded)
            with reaching_redis():
                await self._client.pexpire(name, RATES_KEPT)
