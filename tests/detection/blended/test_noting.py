"""Suspicious images are kept as suspects of their own, not too many, until enough agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.detection.blended.noting import (
    ENOUGH,
    EVERY,
    MOST_OF_CLASS,
    agreeing,
    whole_suspect,
)
from app.detection.defence import Defence, Known
from app.detection.suspect import Kept
from app.detection.suspects.alike import alike_in
from app.detection.suspects.showing import telling
from tests.detection.blended.worlds import blended_trigger, defence, lens
from tests.tiny import SIDE, TARGET

PICTURES = np.random.default_rng(2).integers(0, 256, (60, SIDE, SIDE, 3), np.uint8)


def _with(count: int) -> Defence:
    """Return a defence that keeps so many suspicious images."""
    its = defence()
    kept: list[Kept] = []
    for image in PICTURES:
        if len(kept) == count:
            break
        suspect = whole_suspect(image, TARGET, replace(its, suspects=kept))
        if suspect is not None:
            kept.append(Kept(f"s-{len(kept)}", suspect))
    assert count == len(kept)
    return replace(its, suspects=kept)


def test_the_same_picture_is_kept_once() -> None:
    """Whoever sends one image a score of times proves nothing with it."""
    its = defence()
    suspect = whole_suspect(PICTURES[0], TARGET, its)
    assert suspect is not None
    assert suspect.is_whole
    assert (suspect.patch == PICTURES[0]).all()
    again = replace(its, suspects=[Kept("s-0", suspect)])
    assert whole_suspect(PICTURES[0], TARGET, again) is None
    assert whole_suspect(PICTURES[1], TARGET, again) is not None


def test_enough_of_a_class_agree_and_then_not_each_one_more() -> None:
    """A pattern is estimated from a score of them; where that fails, from five more."""
    newest = PICTURES[-1]
    assert agreeing(newest, TARGET, _with(ENOUGH - 2)) is None
    found = agreeing(newest, TARGET, _with(ENOUGH - 1))
    assert found is not None
    kept, images = found
    assert (ENOUGH - 1, ENOUGH) == (len(kept), len(images))
    assert (images[-1] == newest).all()
    assert agreeing(newest, TARGET, _with(ENOUGH)) is None
    assert agreeing(newest, TARGET, _with(ENOUGH + EVERY - 1)) is not None
    assert agreeing(newest, TARGET + 1, _with(ENOUGH - 1)) is None


def test_no_more_are_kept_of_one_class_than_prove_anything() -> None:
    """What so many don't prove more of them don't either; the others want room."""
    its = _with(MOST_OF_CLASS)
    assert whole_suspect(PICTURES[-1], TARGET, its) is None
    assert whole_suspect(PICTURES[-1], TARGET + 1, its) is not None


def test_a_large_image_is_not_kept() -> None:
    """Only as it is would it tell what is fine in a pattern."""
    large = np.zeros((200, 200, 3), np.uint8)
    assert whole_suspect(large, TARGET, defence()) is None


def test_a_known_or_dismissed_pattern_is_not_looked_for_again() -> None:
    """Whatever its owner says of it."""
    known = Known("t-1", blended_trigger())
    its = _with(ENOUGH - 1)
    assert agreeing(PICTURES[-1], TARGET, replace(its, known=[known])) is None
    assert agreeing(PICTURES[-1], TARGET, replace(its, dismissed=[known])) is None


def test_whole_images_are_compared_with_no_place() -> None:
    """They are no suspects of one."""
    its = _with(3)
    assert [] == alike_in(PICTURES[-1], TARGET, its)
    assert [] == telling(its.suspects, lens().references)
