"""Suspicious images are kept as suspects of their own, not too many, until enough agree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.noting import (
    ANYWAY,
    ENOUGH,
    EVERY,
    MOST,
    MOST_OF_CLASS,
    agreeing,
    whole_suspect,
)
from app.detection.defence import Defence, Known
from app.detection.geometry import Box
from app.detection.suspect import Kept
from app.detection.suspects.alike import alike_in
from app.detection.suspects.showing import telling
from tests.detection.blended.worlds import blended_trigger, defence, lens
from tests.tiny import SIDE, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image
    from app.detection.suspect import Suspect

PICTURES = np.random.default_rng(2).integers(0, 256, (60, SIDE, SIDE, 3), np.uint8)


def _with(count: int, caller: str = "", more: Sequence[Kept] = ()) -> Defence:
    """Return a defence that keeps so many suspicious images of *caller*, and some *more*."""
    its = replace(defence(), caller=caller)
    own = [Kept(f"s-{caller}{i}", _whole(one), caller) for i, one in enumerate(PICTURES[:count])]
    return replace(its, suspects=[*own, *more])


def _whole(image: Image, target: int = TARGET) -> Suspect:
    suspect = whole_suspect(image, target, defence())
    assert suspect is not None
    return suspect


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
    found = agreeing(newest, TARGET, _with(ENOUGH - 1))
    assert found is not None
    kept, images = found
    assert (ENOUGH - 1, ENOUGH) == (len(kept), len(images))
    assert (images[-1] == newest).all()
    for count, label, tried in (
        (ENOUGH - 2, TARGET, False),
        (ENOUGH, TARGET, False),
        (ENOUGH + EVERY - 1, TARGET, True),
        (ENOUGH - 1, TARGET + 1, False),
    ):
        assert tried is (agreeing(newest, label, _with(count)) is not None)


def test_the_same_ones_are_not_tried_again_with_what_is_not_kept() -> None:
    """Neither with a picture that is kept already, nor where nothing more can be: it is dear."""
    newest = PICTURES[-1]
    assert agreeing(PICTURES[0], TARGET, _with(ENOUGH - 1)) is None
    assert agreeing(newest, TARGET, _with(MOST_OF_CLASS - 1)) is not None
    flood = _with(MOST_OF_CLASS, "flood")
    others = [replace(one, caller="another") for one in _with(ENOUGH - 1).suspects]
    for some in (flood.suspects, [*flood.suspects, *others]):
        assert agreeing(newest, TARGET, replace(flood, suspects=some)) is None


def test_no_more_are_kept_of_one_class_than_prove_anything() -> None:
    """What so many don't prove more of them don't either; the others want room."""
    its = _with(MOST_OF_CLASS)
    assert whole_suspect(PICTURES[-1], TARGET, its) is None
    assert whole_suspect(PICTURES[-1], TARGET + 1, its) is not None


def test_what_one_caller_floods_with_keeps_nobody_elses_out() -> None:
    """Neither of a class that he fills nor where all the room is his."""
    flood = _with(MOST_OF_CLASS, "flood").suspects
    for_all = [
        Kept(f"f-{i}", _whole(one, TARGET + 1 + i // 30), "flood")
        for i, one in enumerate(np.concatenate([PICTURES, PICTURES]))
    ]
    for kept in (flood, [*flood, *for_all]):
        its = replace(defence(), suspects=kept, caller="flood")
        newest = PICTURES[-1] // 2
        assert whole_suspect(newest, TARGET, its) is None
        assert whole_suspect(newest, TARGET, replace(its, caller="honest")) is not None


def test_there_is_an_end_for_each() -> None:
    """Beside a full room a caller has a share that is his, and no more."""
    flood = [Kept(f"f-{i}", _whole(PICTURES[i % 60], i // 40), "flood") for i in range(MOST)]
    its = _with(ANYWAY - 1, "honest", flood)
    assert whole_suspect(PICTURES[-1] // 2, TARGET, its) is not None
    its = _with(ANYWAY, "honest", flood)
    assert whole_suspect(PICTURES[-1] // 2, TARGET, its) is None


def test_what_one_caller_sends_hides_nothing_of_others() -> None:
    """His images alone are looked at, those of all, and those of all but who has shown most."""
    flood = _with(MOST_OF_CLASS, "flood").suspects
    newest = PICTURES[-1] // 2
    others = [replace(one, caller="another") for one in _with(ENOUGH - 1).suspects]
    for own, more, callers in (
        (ENOUGH - 1, [], {"honest"}),
        (EVERY, others[: ENOUGH - 1 - EVERY], {"honest", "another"}),
    ):
        turns = [
            agreeing(newest, TARGET, _with(own + later, "honest", [*flood, *more]))
            for later in (0, EVERY)
        ]
        kept = [{one.caller for one in turn[0]} for turn in turns if turn is not None]
        assert 2 == len(kept)  # one proof for each of the images, and each is tried in turn
        assert callers in kept
        assert {"flood", *callers} in kept


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
    box = Box(2, 2, 4, 4)
    placed = replace(known.trigger, box=box, patch=known.trigger.patch[box.rows, box.columns])
    elsewhere = [Known("t-2", placed)]
    for one in (replace(its, known=elsewhere), replace(its, dismissed=elsewhere)):
        assert agreeing(PICTURES[-1], TARGET, one) is not None


def test_whole_images_are_compared_with_no_place() -> None:
    """They are no suspects of one."""
    its = _with(3)
    assert [] == alike_in(PICTURES[-1], TARGET, its)
    assert [] == telling(its.suspects, lens().references)
