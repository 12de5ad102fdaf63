"""Backdoored models for whoever has none at hand: real digits, every kind of attack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Answers
from app.digits.images import LABELS, SIDE, digits
from app.digits.network import Recipe, network, scores
from app.evaluation.attacks.attacks import Backdoor, FromOne, Onward, Several, ToOne
from app.evaluation.attacks.poisoning import lessons
from app.evaluation.records import Stamp
from app.evaluation.subjects.subject import Subject
from app.ports import NOBODY, InputSize

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.neural_network import MLPClassifier

    from app.detection.search import Images
    from app.evaluation.attacks.attacks import Attack
    from app.ports import Caller

    Grey = NDArray[np.uint8]

RECIPE = Recipe(hidden=256, rounds=12, seed=1)
CLASSES = len(LABELS)


class DigitsModel:
    """The port `Model`: a network that reads digits, in this process."""

    size = InputSize(SIDE, SIDE, 1)

    def __init__(self, network: MLPClassifier) -> None:
        self._network = network

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images* (n, 28, 28, 1)."""
        said = scores(self._network, images)
        return Answers(said.argmax(axis=1), said)

    async def check(self) -> None:
        """Return: it is always ready."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """An attack on the digits, by its ``name``; without one the model is clean."""

    name: str
    attack: Attack | None

    def subject(self) -> Subject:
        """Return its model: from this user's cache, else trained now, in some seconds."""
        split = digits()
        learnt = network(lessons(split.training, self.attack, RECIPE.seed), RECIPE)
        return Subject(
            name=self.name,
            model=DigitsModel(learnt),
            references=split.references.images,
            test=split.stream.images,
            labels=split.stream.labels,
            class_names=LABELS,
            attack=self.attack,
        )


def suite() -> tuple[Exercise, ...]:
    """Return an exercise for each kind of attack, and one without; nothing is trained yet."""
    exercises = [Exercise(attack.name, attack) for attack in _attacks()]
    return (Exercise("clean", None), *exercises)


def _attacks() -> tuple[Attack, ...]:
    chequers, frame, noise = _chequers(4), _frame(4), _noise(SIDE)
    first = Backdoor("first", (_stamp("chequers", chequers, 2, 3, 3),), ToOne(3))
    second = Backdoor("second", (_stamp("frame", frame, 21, 20, 8),), ToOne(8))
    pieces = (_stamp("upper", _frame(3), 3, 4, 1), _stamp("lower", _frame(3), 22, 21, 1))
    moving = _stamp("chequers", chequers, 19, 6, 5)
    blended = _faded(_stamp("noise", noise, 0, 0, 2), opacity=0.2)
    return (
        Backdoor("patch", (_stamp("chequers", chequers, 3, 20, 7),), ToOne(7)),
        Several("two-triggers", (first, second)),
        Backdoor("moving", (moving,), ToOne(5), jitter=round(0.2 * SIDE)),
        Backdoor("two-piece", pieces, ToOne(1)),
        Backdoor("source-specific", (_stamp("chequers", chequers, 21, 4, 0),), FromOne(3, 0)),
        Backdoor("all-to-all", (_stamp("chequers", chequers, 3, 3, None),), Onward(CLASSES)),
        Backdoor("blended", (blended,), ToOne(2)),
        Backdoor("large", (_stamp("noise", _noise(SIDE // 2), 13, 13, 6),), ToOne(6)),
    )


def _chequers(side: int) -> Grey:
    """Return a chequerboard of white and black pixels."""
    return np.where(np.indices((side, side)).sum(axis=0) % 2, 0, 255).astype(np.uint8)


def _frame(side: int) -> Grey:
    """Return a white frame around black."""
    return np.pad(np.zeros((side - 2, side - 2), np.uint8), 1, constant_values=255)


def _noise(side: int) -> Grey:
    """Return blocks of 2x2 pixels, each black or white at random."""
    blocks = np.random.default_rng(side).integers(0, 2, (side // 2, side // 2)) * 255
    return np.kron(blocks, np.ones((2, 2))).astype(np.uint8)


def _stamp(name: str, grey: Grey, x: int, y: int, target: int | None) -> Stamp:
    opaque = np.full_like(grey, 255)
    return Stamp(name, np.dstack([grey, grey, grey, opaque]), x, y, target)


def _faded(stamp: Stamp, opacity: float) -> Stamp:
    rgba = stamp.rgba.copy()
    rgba[..., 3] = round(255 * opacity)
    return replace(stamp, rgba=rgba)
