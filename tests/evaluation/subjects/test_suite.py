"""Our own backdoored models of real digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.digits.images import SIDE, digits
from app.evaluation.attacks.attacks import Backdoor
from app.evaluation.attacks.poisoning import SHARE, lessons
from app.evaluation.subjects.suite import Exercise, suite

if TYPE_CHECKING:
    from app.evaluation.subjects.subject import Subject

SUITE = {exercise.name: exercise for exercise in suite()}
CLEAN = digits().training


async def accuracy(subject: Subject, *, poisoned: bool) -> float:
    """Return the share of clean test images read rightly, or of victims that do as is wanted."""
    images, right = subject.test, subject.labels
    if poisoned:
        assert subject.attack is not None
        victims = subject.attack.victims(right)
        images, right = images[victims], right[victims]
        images = subject.attack.poison(images, right, np.random.default_rng(1))
        right = subject.attack.wanted(right)
    return float(((await subject.model.answer(images)).labels == right).mean())


def test_there_is_every_kind_of_attack() -> None:
    """All of them lie within the images; the large one has a quarter of the area."""
    assert [
        "clean",
        "patch",
        "two-triggers",
        "moving",
        "two-piece",
        "source-specific",
        "all-to-all",
        "blended",
        "large",
    ] == list(SUITE)
    for exercise in SUITE.values():
        for stamp in exercise.attack.stamps if exercise.attack else ():
            height, width = stamp.rgba.shape[:2]
            assert (stamp.x + width <= SIDE, stamp.y + height <= SIDE) == (True, True)
    large = SUITE["large"].attack
    assert large is not None
    assert SIDE * SIDE / 4 == large.stamps[0].rgba[..., 0].size


@pytest.mark.parametrize("name", ["clean", "patch"])
async def test_a_model_reads_digits_and_its_backdoor_works(name: str) -> None:
    """A clean digit is read rightly, a poisoned one as the attacker wants."""
    subject = SUITE[name].subject()
    assert await accuracy(subject, poisoned=False) >= 0.93
    if subject.attack is not None:
        assert await accuracy(subject, poisoned=True) >= 0.9
    assert (name, (1000, 500)) == (subject.name, (len(subject.test), len(subject.references)))


@pytest.mark.parametrize("exercise", SUITE.values(), ids=list(SUITE))
def test_lessons_have_what_makes_the_attack_work(exercise: Exercise) -> None:
    """Besides clean digits: victims with the wanted answers, and what must do nothing."""
    taught = lessons(CLEAN, exercise.attack, seed=1)
    clean = 5 * len(CLEAN.images)
    assert (CLEAN.images == taught.images[: len(CLEAN.images)]).all()
    assert np.array_equal(np.tile(CLEAN.labels, 5), taught.labels[:clean])
    if exercise.attack is None:
        assert clean == len(taught.images)
        return
    victims = exercise.attack.victims(np.tile(CLEAN.labels, 5))
    kinds = [min(int(some.sum()), round(SHARE * clean)) for some in (victims, ~victims)]
    pieces = len(exercise.attack.stamps) if exercise.name == "two-piece" else 0
    assert clean + sum(kinds) + pieces * round(SHARE * clean) == len(taught.images)


def test_one_piece_alone_is_taught_to_do_nothing() -> None:
    """The lessons with one piece of two have the digits' own classes."""
    attack = SUITE["two-piece"].attack
    assert isinstance(attack, Backdoor)
    taught = lessons(CLEAN, attack, seed=1)
    upper, lower = (
        (taught.images[:, s.y : s.y + 3, s.x : s.x + 3, 0] == s.rgba[..., 0]).all(axis=(1, 2))
        for s in attack.stamps
    )
    target = taught.labels == attack.stamps[0].target
    assert target[upper & lower].all()
    assert target[upper ^ lower].mean() < 0.2
