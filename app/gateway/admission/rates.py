"""How many images a second may be asked on whose account: token buckets, in memory.

A request is let in while its caller's bucket and the one for all have a token in them, and its
images pay for their probes as they are sent. How many they will need isn't known beforehand, so a
bucket may be overdrawn, however far; the next request waits until it is filled again, so that the
rate holds in the long run. A caller that leaves midway has paid. A search that goes on after its
caller was answered pays from the same buckets, and waits while one of them is empty.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final

from app import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

BURST_S: Final = 10.0
"""What a full bucket holds, in seconds of its rate."""

KEY, TOTAL = "key", "total"


class RateExceededError(Exception):
    """Too many images were asked before; ``retry_after_s`` is when the next one is taken."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class KeyRateExceededError(RateExceededError):
    """On account of this caller's key."""


class TotalRateExceededError(RateExceededError):
    """On account of all callers together."""


class TokenBucket:
    """Fills with *rate* tokens a second, up to ten seconds' worth."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._most = max(rate * BURST_S, 1.0)
        self._level = self._most
        self._at = clock()

    def missing_s(self) -> float:
        """Return in how many seconds there will be one in it; 0 if there is."""
        self._fill()
        return max((1 - self._level) / self._rate, 0.0)

    def take(self, tokens: int) -> None:
        """Take *tokens* out, even if there aren't so many."""
        self._fill()
        self._level -= tokens

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self._level + (now - self._at) * self._rate, self._most)
        self._at = now


class Account:
    """What the images of one request are paid from: all of *buckets*.

    ``caller`` is whose they are, in a few letters that tell no key; empty where that isn't known.
    ``exhausted``: too much was asked before, and nothing more is to be asked than the images.
    """

    def __init__(
        self, buckets: Sequence[TokenBucket] = (), caller: str = "", *, exhausted: bool = False
    ) -> None:
        self._buckets = buckets
        self.caller = caller
        self.exhausted = exhausted

    def __call__(self, images: int) -> None:
        """Pay for so many *images*, even if that is more than there is."""
        for bucket in self._buckets:
            bucket.take(images)

    def missing_s(self) -> float:
        """Return in how many seconds there will be something in each bucket; 0 if there is."""
        return max((bucket.missing_s() for bucket in self._buckets), default=0.0)


FREE: Final = Account()
"""Nobody's account."""

EXHAUSTED: Final = Account(exhausted=True)
"""Of those who are let in though they have asked for too much: in monitor mode."""


class ProbeRates:
    """The buckets of one worker: one for each key, and one for all; None is no limit."""

    def __init__(
        self, per_key: float | None, total: float | None, clock: Callable[[], float]
    ) -> None:
        self._per_key = per_key
        self._clock = clock
        self._total = None if total is None else TokenBucket(total, clock)
        self._keys: dict[Hashable, TokenBucket] = {}

    def account(self, key: Hashable) -> Account:
        """Return what a request of the caller *key* pays with, a number of images at a time.

        *key* is None where callers have none. Raises KeyRateExceededError, TotalRateExceededError.
        """
        if self._per_key is None and self._total is None:
            return FREE if key is None else Account(caller=_named(key))
        bucket = self._bucket(key)
        if bucket is not None and (wait := bucket.missing_s()):
            metrics.RATE_LIMITED.labels(KEY).inc()
            message = f"this key's images need more than NEO_KEY_PROBE_RATE allows; {_again(wait)}"
            raise KeyRateExceededError(message, wait)
        if self._total is not None and (wait := self._total.missing_s()):
            metrics.RATE_LIMITED.labels(TOTAL).inc()
            message = f"all images together need more than NEO_PROBE_RATE allows; {_again(wait)}"
            raise TotalRateExceededError(message, wait)
        buckets = [each for each in (bucket, self._total) if each is not None]
        return Account(buckets, _named(key))

    def _bucket(self, key: Hashable) -> TokenBucket | None:
        if self._per_key is None:
            return None
        if key not in self._keys:  # as many as the owner has given out
            self._keys[key] = TokenBucket(self._per_key, self._clock)
        return self._keys[key]


def _named(key: Hashable) -> str:
    """Return a name for the caller *key*, the same in all workers and too short to find it by."""
    if not isinstance(key, bytes):
        return ""
    return hashlib.blake2b(key, digest_size=4).hexdigest()


def _again(wait_s: float) -> str:
    return f"try again in {math.ceil(wait_s)} s"
