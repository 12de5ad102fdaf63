"""One sum of evidence: what each term says, and that none decides alone."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.evidence.usual import Usual, fit_of_clearness, usual_fit
from app.detection.evidence.weighing import (
    PIXELS_AT_LEAST,
    PIXELS_AT_MOST,
    SURE,
    extreme,
    extreme_fit,
    is_needed,
    of_blocking,
    of_carrying,
    of_extreme,
    of_fit,
)
from tests.detection.usuals import fits_about

USUALLY = Usual(0.3, 0.1)
RATES = st.floats(0, 1)
ASKED = st.integers(1, 40)


def _blocking(changed: int, *, backdrop: bool = False) -> float:
    """Weigh that so many fills from the surroundings lose the label, and whether the backdrop."""
    return of_blocking(np.array([changed < 1, changed < 2, not backdrop]))


def test_the_better_the_pixels_fit_the_more_they_say() -> None:
    """The weight of pixels never falls with the fit, and stays within its bounds."""
    weights = [of_extreme(fit / 100, USUALLY) for fit in range(101)]
    assert all(less <= more for less, more in pairwise(weights))
    assert PIXELS_AT_LEAST == weights[0]
    assert 4 < weights[-1] <= PIXELS_AT_MOST == of_extreme(1.0, Usual(0.2, 0.06))


def test_a_usual_fit_speaks_against_a_trigger() -> None:
    """What clean images show too is no evidence for it, and five spreads beyond are."""
    assert of_extreme(USUALLY.mean, USUALLY) < 0
    assert of_extreme(USUALLY.mean + 5 * USUALLY.spread, USUALLY) > SURE


@pytest.mark.parametrize("weight", [-1.0, 0.0, 1.5, 3.0])
def test_so_much_has_to_be_seen_for_a_weight(weight: float) -> None:
    """No more and no less."""
    assert weight == pytest.approx(of_extreme(extreme(weight, USUALLY), USUALLY))


def test_a_fit_says_less_where_clean_images_vary() -> None:
    """The same fit weighs the less the more clean images differ in theirs."""
    assert of_extreme(0.7, Usual(0.3, 0.1)) > of_extreme(0.7, Usual(0.3, 0.2))


def test_a_fit_weighs_by_how_little_it_leaves_unexplained() -> None:
    """Where clean signs fit by 0.4 in the mean and 0.84 at most, 0.95 is sure, and 0.84 isn't."""
    ranks = [NormalDist(0.4, 0.23).inv_cdf((i + 0.5) / 40) for i in range(40)]
    usually = usual_fit([min(max(one, 0.0), 0.84) for one in ranks])
    assert of_fit(0.84, usually) < 3 < SURE < of_fit(0.95, usually)
    assert of_extreme(0.95, usually) < SURE  # though it is but 2.4 spreads beyond


def test_fits_of_clean_images_weigh_as_they_are_likely() -> None:
    """Each weight is exceeded by the share of them that the distribution of an extreme has."""
    clear = np.random.default_rng(1).gumbel(0.9, 0.35, 40_000)
    fits = [fit_of_clearness(max(one, 0.0)) for one in clear]
    weights = np.array([of_fit(one, usual_fit(fits[:500])) for one in fits[500:5500]])
    for weight, share in ((-1.1, 0.46), (0.7, 0.098), (1.4, 0.05), (3.0, 0.0103)):
        assert (weights > weight).mean() == pytest.approx(share, rel=0.3)


@pytest.mark.parametrize("weight", [-1.0, 0.0, 1.5, 3.0])
def test_so_much_has_to_fit_for_a_weight(weight: float) -> None:
    """No more and no less, and never more than all of it."""
    usually = fits_about(0.4, 0.2)
    fit = extreme_fit(weight, usually)
    assert weight == pytest.approx(of_fit(fit, usually))
    assert fit < 1


@given(ASKED, st.floats(0, 0.5))
def test_each_transplant_that_carries_says_more(asked: int, placebo: float) -> None:
    """The more of them carry the more it says, where nature carries more seldom than triggers."""
    weights = [of_carrying(carried, asked, placebo) for carried in range(asked + 1)]
    assert all(less < more for less, more in pairwise(weights))


@given(ASKED, RATES, RATES)
def test_the_more_nature_carries_the_less_it_says(asked: int, one: float, other: float) -> None:
    """Transplants that all carry weigh the less the more often nature does it."""
    low, high = sorted((one, other))
    assert of_carrying(asked, asked, low) >= of_carrying(asked, asked, high)


def test_no_transplant_says_nothing() -> None:
    """Without a reference to ask on there is no evidence either way."""
    assert 0 == of_carrying(0, 0, 0.3)


def test_more_draws_make_a_rate_surer() -> None:
    """A placebo rate of many draws says more than the same one of few."""
    assert of_carrying(8, 8, 0.1, draws=100) > of_carrying(8, 8, 0.1, draws=10)
    assert of_carrying(8, 8, 0.9, draws=100) < of_carrying(8, 8, 0.9, draws=10)


def test_an_altered_trigger_may_carry_as_ever_or_hardly() -> None:
    """Those that carry speak for it, by half at least, those that don't hardly against it."""
    carried, held = (of_carrying(hits, 8, 0.02, altered=True) for hits in (8, 0))
    assert carried >= of_carrying(8, 8, 0.02) - math.log(2)
    assert of_carrying(0, 8, 0.02) + 2 < held < 0


@given(ASKED, RATES, st.booleans())
def test_what_carries_no_more_than_nature_never_speaks_for_a_trigger(
    asked: int,
    placebo: float,
    altered: bool,  # noqa: FBT001
) -> None:
    """Altered ones neither, though they may hardly carry."""
    for carried in range(int(placebo * asked) + 1):
        assert of_carrying(carried, asked, placebo, altered=altered) <= 0


def test_blocking_weighs_by_how_many_lose_the_label() -> None:
    """Both fills from the surroundings speak for it, neither against it."""
    none, one, both = (_blocking(changed) for changed in range(3))
    assert none < one < both
    assert none < 0 < both


@pytest.mark.parametrize("surroundings", [0, 1, 2])
def test_the_backdrop_says_as_much_as_both_fills_from_the_surroundings(surroundings: int) -> None:
    """An attacker can paint surroundings that rebuild the trigger, but not the backdrop."""
    assert _blocking(surroundings, backdrop=True) == _blocking(2)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((False, False, False), True),
        ((False, False, True), True),  # the backdrop may look like the attacker's class
        ((True, True, False), True),  # painted surroundings rebuild it
        ((True, False, False), True),
        ((True, False, True), False),
        ((True, True, True), False),
    ],
)
def test_what_is_needed(kept: tuple[bool, ...], *, expected: bool) -> None:
    """A place is needed if no fill from its surroundings keeps the label, or the backdrop not."""
    assert expected is is_needed(np.array(kept))


def test_a_small_sample_of_nature_overrules_nothing() -> None:
    """A placebo of 3 of 10 doesn't let exact pixels pass, both blocked and 3 of 3 carried.

    It did once: the known trigger of one class was let through by that rate alone.
    """
    placebo = of_carrying(3, 3, 3.5 / 11, draws=10)
    assert SURE <= of_extreme(1.0, USUALLY) + _blocking(2) + placebo


@pytest.mark.parametrize(
    ("fit", "changed", "carried"),
    [
        (1.0, 2, 2),  # one reference resists it
        (1.0, 0, 3),  # both fills look like the attacker's class
        (0.6, 2, 3),  # faint
        (0.3, 2, 3),  # its pixels aren't to be seen at all
    ],
)
def test_none_of_the_terms_is_a_veto(fit: float, changed: int, carried: int) -> None:
    """Where one term is weak the others make it sure, if they are strong."""
    asked = 3 if fit > USUALLY.mean else 8  # more are asked where the first few leave a doubt
    carried += asked - 3
    weight = of_extreme(fit, USUALLY) + _blocking(changed) + of_carrying(carried, asked, 0.02)
    assert weight >= SURE


@pytest.mark.parametrize(
    ("fit", "changed", "carried", "placebo"),
    [
        (1.0, 0, 0, 0.02),  # a logo that looks the same and does nothing
        (0.3, 2, 3, 0.9),  # the middle of the object, where nature carries
        (0.3, 1, 2, 0.3),
        (0.3, 0, 3, 0.1),
    ],
)
def test_none_of_the_terms_is_enough(
    fit: float, changed: int, carried: int, placebo: float
) -> None:
    """What clean images may have, each by itself, isn't taken for a trigger."""
    weight = of_extreme(fit, USUALLY) + _blocking(changed) + of_carrying(carried, 3, placebo)
    assert weight < SURE
