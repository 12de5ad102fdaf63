"""Figures as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.detection.geometry import Box
    from app.evaluation.measures.intervals import Mean, Rate

NONE = "–"


def percent(rate: Rate | None) -> str:
    """Return a rate with its interval: `98.0 % (89.5–99.6)`."""
    if rate is None:
        return NONE
    return f"{_percent(rate.value)} % ({_percent(rate.low)}–{_percent(rate.high)})"


def bare_percent(rate: Rate | None) -> str:
    """Return a rate alone: `98.0 %`."""
    return NONE if rate is None else f"{_percent(rate.value)} %"


def times(rate: Rate | None) -> str:
    """Return a rate of few: `4 of 5`."""
    return NONE if rate is None else f"{rate.hits} of {rate.of}"


def number(mean: Mean | None) -> str:
    """Return a mean with half its interval: `31.4 ± 1.2`; one run has none."""
    if mean is None:
        return NONE
    if mean.high is None:
        return plain(mean.value)
    return f"{plain(mean.value)} ± {plain(mean.high - mean.value)}"


def plain(value: float | None) -> str:
    """Return a number with as many digits as tell something."""
    if value is None:
        return NONE
    if abs(value) >= 100 or value == int(value):  # noqa: PLR2004  # nobody needs 1,234.5
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3f}"


def index(value: float | None) -> str:
    """Return a number from 0 to 1 that is no share of counted things: `0.987`."""
    return NONE if value is None else f"{value:.3f}"


def index_of(mean: Mean | None) -> str:
    """Return a mean of such numbers with half its interval: `0.987 ± 0.012`."""
    if mean is None or mean.high is None:
        return index(None if mean is None else mean.value)
    return f"{index(mean.value)} ± {index(mean.high - mean.value)}"


def ratio(value: Mean | None, to: Mean | None) -> str:
    """Return how many times *to* a mean is: `× 26.1`."""
    if value is None or to is None or not to.value:
        return NONE
    return f"× {value.value / to.value:.3g}"


def place(box: Box) -> str:
    """Return a box in words."""
    return f"{box.width}x{box.height} at {box.x},{box.y}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"
