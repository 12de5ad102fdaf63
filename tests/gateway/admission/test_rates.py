"""Who causes too many probes is told when to come again, and nobody else notices."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from app.gateway.admission.rates import (
    KeyRateExceededError,
    ProbeRates,
    TokenBucket,
    TotalRateExceededError,
)
from tests.gateway.opened import innocents, opened
from tests.tiny import stamped

IMAGES = innocents(6)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


def test_a_bucket_fills_with_its_rate(clock: Clock) -> None:
    """A full bucket holds ten seconds' worth; an overdrawn one says when to come again."""
    bucket = TokenBucket(20, clock)
    bucket.take(199)
    assert 0 == bucket.missing_s()
    bucket.take(21)
    assert pytest.approx(21 / 20) == bucket.missing_s()
    clock.now += 1.06
    assert 0 == bucket.missing_s()
    clock.now += 1000
    bucket.take(200)
    assert pytest.approx(1 / 20) == bucket.missing_s()


def test_the_rate_holds_in_the_long_run(clock: Clock) -> None:
    """Whoever needs much at once waits the longer: dear images come seldomer than cheap ones."""
    bucket, asked = TokenBucket(2, clock), 0
    begun = clock.now
    while clock.now < begun + 3000:
        clock.now += bucket.missing_s()
        bucket.take(300)
        asked += 300
    assert asked <= 2 * 3000 + 20 + 2 * 300  # what is in it at first, and the last two images


def test_each_key_has_its_own(clock: Clock) -> None:
    """Each key has its own bucket: one that has asked too much is refused, another isn't."""
    rates, refused = ProbeRates(10, None, clock), _refused("key")
    rates.account("greedy")(120)
    with pytest.raises(KeyRateExceededError, match=r"NEO_KEY_PROBE_RATE allows; try again in 3 s"):
        rates.account("greedy")
    assert refused + 1 == _refused("key")
    rates.account("modest")(1)
    clock.now += 2.2
    rates.account("greedy")(1)


def test_all_together_have_one_too(clock: Clock) -> None:
    """Beyond the rate for all nobody is taken, whatever key."""
    rates = ProbeRates(None, 10, clock)
    rates.account("one")(60)
    rates.account("two")(60)
    with pytest.raises(TotalRateExceededError) as refused:
        rates.account("three")
    assert pytest.approx(2.1) == refused.value.retry_after_s


def test_without_limits_nothing_is_kept(clock: Clock) -> None:
    """No limit is the default."""
    rates = ProbeRates(None, None, clock)
    for key in range(1000):
        rates.account(key)(1_000_000)
        rates.account(key)


async def test_an_image_pays_for_all_its_probes(store_url: str, name: str) -> None:
    """A new trigger's hundreds of probes are its sender's; others go on, and are protected."""
    async with opened(store_url, name, key_probe_rate=10.0) as worker:
        account = worker.gateway.account
        found = await worker.predict(stamped(IMAGES)[0], pay=account("attacker"))
        assert found.backdoor
        assert found.probes > 100
        with pytest.raises(KeyRateExceededError):
            account("attacker")
        assert not (await worker.predict(IMAGES[1], pay=account("other"))).backdoor
        assert (await worker.predict(stamped(IMAGES)[2], pay=account("other"))).backdoor


def _refused(scope: str) -> float:
    return REGISTRY.get_sample_value("neo_rate_limited_total", {"scope": scope}) or 0.0
