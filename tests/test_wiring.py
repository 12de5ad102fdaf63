"""From the settings to the parts of the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Mode, Protocol, SecondOpinion, Settings, Strategy
from app.upstream.http.limits import MEBIBYTE, Limits
from app.wiring import limits, policy


@pytest.mark.parametrize(
    ("patience", "background"), [(0.3, Limits.background_timeout_s), (300.0, 300.0)]
)
def test_patience_does_not_cut_the_calibration_short(patience: float, background: float) -> None:
    """A caller's image has its owner's patience, a batch of references the usual time at least."""
    made = limits(Protocol.OIP, patience)
    assert (patience, background) == (made.timeout_s, made.background_timeout_s)


def test_a_request_has_what_the_model_server_takes() -> None:
    """The owner's words hold, but more than usual isn't sent; a body has more than its images."""
    usual = limits(Protocol.OIP, 10.0)
    less = limits(Protocol.OIP, 10.0, most_images=1, most_bytes=100_000)
    more = limits(Protocol.OIP, 10.0, most_images=999, most_bytes=10**9)
    assert (64, 16 * MEBIBYTE) == (usual.batch_images, usual.batch_bytes)
    assert (1, 100_000 - 1024) == (less.batch_images, less.batch_bytes)
    assert (64, 16 * MEBIBYTE) == (more.batch_images, more.batch_bytes)


@pytest.mark.parametrize(("rate", "share"), [(2000.0, 500.0), (None, None)])
def test_workers_share_the_probe_rates(rate: float | None, share: float | None) -> None:
    """Each of four workers has a quarter of the rates; without a limit none has one."""
    settings = Settings(
        upstream_url="http://127.0.0.1:1",
        model="tiny",
        reference=Path(),
        probe_rate=rate,
        key_probe_rate=rate,
        mode=Mode.MONITOR,
    )
    made = policy(settings, workers=4)
    assert (share, share) == (made.probe_rate, made.key_probe_rate)
    assert made.monitors


@pytest.mark.parametrize(
    ("strategy", "word", "rate"),
    [
        (Strategy.FULL, SecondOpinion.FLAG, 0.02),
        (Strategy.FAST, SecondOpinion.FLAG, 0.02),
        (Strategy.FULL, SecondOpinion.OFF, None),
        (Strategy.PAPER, SecondOpinion.FLAG, None),
        (Strategy.OFF, SecondOpinion.FLAG, None),
    ],
)
def test_a_second_opinion_goes_with_our_own_search(
    strategy: Strategy, word: SecondOpinion, rate: float | None
) -> None:
    """At the rate that the owner states; the paper's algorithm and a plain proxy have none."""
    settings = Settings(
        upstream_url="http://127.0.0.1:1",
        model="tiny",
        reference=Path(),
        strategy=strategy,
        second_opinion=word,
        second_opinion_fpr=0.02,
    )
    assert rate == policy(settings).second_opinion
