"""Confirmation: a trigger is accepted after few looks, nature is not, and mostly rejected early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.confirmation import Transplants, confirm, necessary, undecidable
from app.detection.geometry import Box
from app.detection.references import placebo_rate
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, Scene, own, scene, watched
from tests.tiny import TARGET, TRIGGER_BOX, stamped

if TYPE_CHECKING:
    from app.detection.search import Images

CLEAN_BOX = Box(2, 2, 4, 4)


def _confirmed(its: Scene, box: Box, carrying: list[bool]) -> tuple[Transplants | None, int]:
    """Confirm with a model whose transplants carry as told, in turn; return what that asked."""
    turn = iter(carrying)

    def told(images: Images) -> Answers:
        return Answers(np.array([TARGET if next(turn) else 0 for _ in images]))

    search = confirm(its.clean[0], TARGET, box, its.references, np.random.default_rng(SEED))
    result, probes = watched(search, told)
    return result, own(probes)


def _with_placebo(rate: float) -> Scene:
    its = scene()
    box = CLEAN_BOX
    name, _ = next(iter(_measured_name(its, box).items()))
    its.references.placebo_rates[name] = rate
    return its


def _measured_name(its: Scene, box: Box) -> dict[str, float]:
    """Return what the core calls the placebo rate of *box*, by measuring it once."""
    run(placebo_rate(box, TARGET, its.references), its.predict)
    return dict(its.references.placebo_rates)


def test_trigger_is_accepted() -> None:
    """What always carries is accepted after few transplants, with the evidence for it."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    search = confirm(poisoned, TARGET, TRIGGER_BOX, its.references, np.random.default_rng(SEED))
    transplants, probes = watched(search, its.predict)
    assert transplants is not None
    assert transplants.carried == transplants.asked <= 12
    assert transplants.asked == own(probes)


def test_part_of_a_clean_image_is_rejected_early() -> None:
    """What never carries is dropped after the first few transplants."""
    its = scene()
    search = confirm(
        its.of_class(TARGET)[0], TARGET, CLEAN_BOX, its.references, np.random.default_rng(SEED)
    )
    transplants, probes = watched(search, its.predict)
    assert transplants is None
    assert own(probes) <= 4


@pytest.mark.parametrize(
    ("share", "accepted"), [(1.0, True), (0.9, True), (0.5, False), (0.3, False)]
)
def test_how_often_it_must_carry(share: float, *, accepted: bool) -> None:
    """Nearly always is a trigger; half of the time or less is nature."""
    carrying = [i % 10 < share * 10 for i in range(24)]
    result, _ = _confirmed(_with_placebo(0.02), CLEAN_BOX, carrying)
    assert accepted is (result is not None)


@pytest.mark.parametrize("rate", [hits / 25 + 0.02 for hits in range(10)])
def test_every_placebo_that_is_tried_can_be_overcome(rate: float) -> None:
    """Up to the limit, straight hits accept before the references of one test are used up."""
    result, asked = _confirmed(_with_placebo(rate), CLEAN_BOX, [True] * 24)
    assert result == Transplants(carried=asked, asked=asked, placebo=rate)


def test_higher_placebo_asks_more() -> None:
    """The more often nature carries, the more transplants a trigger must turn."""
    asked = [_confirmed(_with_placebo(r), CLEAN_BOX, [True] * 24)[1] for r in (0.02, 0.2, 0.38)]
    assert sorted(set(asked)) == asked


@pytest.mark.parametrize("rate", [0.42, 0.7, 0.98])
def test_placebo_too_high_rejects(rate: float) -> None:
    """Where nature carries too often, nothing is asked and nothing confirmed."""
    its = _with_placebo(rate)
    assert (None, 0) == _confirmed(its, CLEAN_BOX, [])
    assert undecidable(CLEAN_BOX, TARGET, its.references)


def test_undecidable_only_where_that_is_known() -> None:
    """A box whose placebo rate nobody has measured isn't called undecidable."""
    assert not undecidable(CLEAN_BOX, TARGET, scene().references)


def test_never_more_than_24_transplants() -> None:
    """A share between the two hypotheses ends undecided at 24, as no trigger."""
    carrying = [True, True, False] * 8
    result, asked = _confirmed(_with_placebo(0.2), CLEAN_BOX, carrying)
    assert result is None
    assert asked <= 24


def test_trigger_is_necessary_and_nature_is_not() -> None:
    """Blocked, a poisoned image changes its answer; a clean one keeps it."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    assert run(necessary(poisoned, TARGET, TRIGGER_BOX), its.predict)
    assert not run(necessary(its.of_class(TARGET)[0], TARGET, TRIGGER_BOX), its.predict)


@pytest.mark.parametrize(("labels", "expected"), [([0, 1], True), ([0, TARGET], False)])
def test_necessary_whatever_the_fill(labels: list[int], *, expected: bool) -> None:
    """A box is necessary if no fill leaves the label: one that keeps it is enough to doubt."""
    its = scene()
    search = necessary(its.clean[0], TARGET, TRIGGER_BOX)
    assert expected is run(search, lambda _: Answers(np.array(labels)))


def test_placebo_rate_is_what_nature_does() -> None:
    """Small boxes of clean images hardly carry, the whole image nearly always."""
    its = scene()
    small = run(placebo_rate(CLEAN_BOX, TARGET, its.references), its.predict)
    whole = run(placebo_rate(Box(0, 0, 16, 16), TARGET, its.references), its.predict)
    assert small < 0.1
    assert whole > 0.9


def test_placebo_rate_is_measured_once_and_equal_everywhere() -> None:
    """Asked again it costs nothing; two workers measure the same; its probes are for all."""
    one, other = scene(), scene()
    rate, probes = watched(placebo_rate(CLEAN_BOX, TARGET, one.references), one.predict)
    assert all(probe.shared for probe in probes)
    assert (rate, []) == watched(placebo_rate(CLEAN_BOX, TARGET, one.references), one.predict)
    assert rate == run(placebo_rate(CLEAN_BOX, TARGET, other.references), other.predict)
    assert one.references.placebo_rates == other.references.placebo_rates
