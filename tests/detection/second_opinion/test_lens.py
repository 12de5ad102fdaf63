"""Residues on references, and how rare their answers are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.search import Answers
from app.detection.second_opinion.lens import (
    FURTHER,
    LAID,
    Lens,
    at_most,
    counted,
    laid,
    rate_of,
    weight,
)
from tests.detection.second_opinion.looking import IMAGES, lens

RATES = np.array([[3, 0.05], [4, 0.5]], np.float32)


def test_a_residue_is_cut_off_at_black_and_white() -> None:
    """It is made stronger and added to each reference, and what comes out are pixels."""
    references = np.array([[[[0], [250]]], [[[100], [7]]]], np.uint8)
    residue = np.array([[[-3.0], [9.6]]], np.float32)
    assert [[[[0], [255]]], [[[94], [26]]]] == laid(residue, references).tolist()


def test_references_are_drawn_without_one_twice() -> None:
    """Those that are turned least, others for each image."""
    drawn = [lens().drawn(np.random.default_rng(draw)) for draw in (1, 2)]
    assert all(LAID + FURTHER == len(set(one)) for one in drawn)
    assert set(drawn[0]) | set(drawn[1]) <= set(lens().opinion.onto)
    assert drawn[0].tolist() != drawn[1].tolist()
    assert (LAID + FURTHER, *IMAGES.shape[1:]) == lens().probes(IMAGES[0], drawn[0]).shape


def test_references_of_its_own_class_say_nothing() -> None:
    """Whatever these answer."""
    of = np.array([0, 1, 3])
    assert [2, 2] == counted(3, np.array([3, 3, 0]), of).tolist()
    assert [1, 2] == counted(3, np.array([3, 0, 3]), of).tolist()


def test_a_class_that_carries_by_nature_counts_less() -> None:
    """Each answer adds its logarithm; one that isn't the label speaks against a trigger."""
    one, both = np.array([7, 8]), np.array([8, 8])
    assert weight(3, both, RATES) == pytest.approx(8 * np.log(0.9 / 0.05))
    assert weight(4, both, RATES) < weight(3, both, RATES)
    assert weight(3, one, RATES) < weight(3, both, RATES)


def test_what_carries_too_seldom_is_no_trigger() -> None:
    """A residue that carries in half of its probes is rarer than a trigger's, but isn't one."""
    assert weight(3, np.array([15, 23]), RATES) > 25
    assert 0 == weight(3, np.array([14, 23]), RATES)
    assert weight(3, np.array([1, 23]), RATES) < 0


def test_an_unknown_class_is_taken_to_carry_most() -> None:
    """Of a class without references nothing was measured: it has the highest rate of any."""
    assert 0.5 == rate_of(9, RATES)


def test_rarity_is_never_nothing() -> None:
    """Of n clean images that were measured 1 / (n + 1) is the least, and 1 the most."""
    onto = lens().opinion.onto
    label = int(np.setdiff1d(np.arange(9), lens().references.labels[onto])[0])
    all_carry, none_do = (
        lens().counted(label, Answers(np.full(len(onto), said)), onto)
        for said in (label, label + 50)
    )
    assert 1 / (lens().measured + 1) == lens().rarity(label, all_carry)
    assert 1.0 == lens().rarity(label, none_do)


def test_references_that_are_as_suspicious_count_with_a_margin() -> None:
    """It is to hold nine times of ten; but a single odd one of 250 counts for what it is."""
    assert 1 / 251 == at_most(0, 250)
    assert 2 / 251 == at_most(1, 250)
    assert 0.0191 == pytest.approx(at_most(2, 250), abs=1e-4)
    assert at_most(2, 500) < 0.01 < at_most(3, 500)
    assert 1.0 == at_most(250, 250)


def test_a_sum_is_worth_no_more_than_it_says() -> None:
    """Whatever the references have: e to a sum is how much likelier a trigger makes the answers.

    Ten times as much is asked, since the answers to one image's probes hang together.
    """
    opinion = replace(lens().opinion, sums=np.full(999, -9, np.float32), rates=RATES)
    easy = Lens(lens().references, opinion)
    once = np.array([1, 1])
    assert 10 * 0.05 / 0.9 == pytest.approx(easy.rarity(3, once))
    assert 1 / 1000 == easy.rarity(3, 9 * once)
