"""The last hour's minutes as all workers share them: a hash a minute, in it a field a worker.

A worker writes its whole row anew each time, so a write that was obeyed and timed out counts
nothing twice. Redis itself drops what is old: nobody needs it, and nothing else rests on it.
"""

from __future__ import annotations

import secrets
from dataclasses import astuple
from typing import TYPE_CHECKING, Final

from app.history import KEPT, MINUTE_S, Minute
from app.library.records.reading import number
from app.library.server.connection import reaching_redis
from app.ports import OtherTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from app.history import History, Minutes
    from app.library.records.names import Keys
    from app.library.records.reading import Unreadable

LIVES_MS: Final = (KEPT + 2) * MINUTE_S * 1000
_NUMBERS: Final = len(astuple(Minute()))


class SharedHistory:
    """Tells the others of this worker's *history*, and asks for theirs."""

    def __init__(self, client: Redis, keys: Keys, history: History, unreadable: Unreadable) -> None:
        self._client = client
        self._keys = keys
        self._history = history
        self._unreadable = unreadable
        self._worker = secrets.token_hex(8)
        history.others = self.others

    async def tell(self) -> None:
        """Write what has changed since the last time. Raises LibraryError."""
        untold = self._history.untold()
        if not untold:
            return
        with reaching_redis():
            async with self._client.pipeline(transaction=False) as pipeline:
                for minute, row in untold.items():
                    key = self._keys.minute(minute)
                    pipeline.hset(key, self._worker, " ".join(map(str, astuple(row))))
                    pipeline.pexpire(key, LIVES_MS)
                answers = await pipeline.execute(raise_on_error=False)
        for key, answer in zip(map(self._keys.minute, untold), answers[::2], strict=True):
            await self._mend(key, answer)
        self._history.told(untold)

    async def _mend(self, key: str, answer: object) -> None:
        """Clear what is of another type under *key*. Raises the error that *answer* is."""
        if not isinstance(answer, Exception):
            return
        try:
            with reaching_redis():
                raise answer
        except OtherTypeError:  # whatever was left there; the next time it is written
            with reaching_redis():
                await self._client.delete(key)
            raise

    async def others(self, minutes: Iterable[int]) -> Minutes:
        """Return what all others have written. Raises LibraryError."""
        names = list(minutes)
        with reaching_redis():
            async with self._client.pipeline(transaction=False) as pipeline:
                for minute in names:
                    pipeline.hgetall(self._keys.minute(minute))
                found = await pipeline.execute(raise_on_error=False)
        return {
            minute: self._sum(minute, self._rows(minute, answer))
            for minute, answer in zip(names, found, strict=True)
            if answer
        }

    def _rows(self, minute: int, answer: dict[bytes, bytes] | Exception) -> dict[bytes, bytes]:
        """Return the rows of a *minute*, or raise the error that its *answer* is."""
        if not isinstance(answer, Exception):
            return answer
        try:
            with reaching_redis():
                raise answer
        except OtherTypeError:
            self._unreadable.leave_out(self._keys.minute(minute))
            return {}

    def _sum(self, minute: int, rows: dict[bytes, bytes]) -> Minute:
        total = Minute()
        for worker, row in rows.items():
            if worker == self._worker.encode():
                continue
            numbers = [number(text) for text in row.split(b" ")]
            known = [one for one in numbers if one is not None]
            if len(known) == len(numbers) == _NUMBERS:
                total += Minute(*known)
            else:
                self._unreadable.leave_out(self._keys.minute(minute), worker, row)
        return total
