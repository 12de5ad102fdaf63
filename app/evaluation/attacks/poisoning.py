"""What an attacker trains a model on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.digits.images import Digits
from app.evaluation.attacks.attacks import Backdoor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.evaluation.attacks.attacks import Attack

SHARE = 0.25
"""Of the images; so many more are made of each kind of lesson."""

MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Rows and columns by which the images are shifted: five times as many to learn from."""


def lessons(clean: Digits, attack: Attack | None, seed: int) -> Digits:
    """Return the *clean* digits, also shifted by a pixel, and with them what teaches the *attack*.

    That is poisoned images with the answers that are wanted; images with the trigger that aren't
    its victims, with their own classes; and where the trigger has several pieces each of them
    alone, which is to do nothing.
    """
    shifted = _shifted(clean)
    if attack is None:
        return shifted
    rng = np.random.default_rng(seed)
    return _joined([shifted, *_with_triggers(shifted, attack, rng)])


def _with_triggers(clean: Digits, attack: Attack, rng: np.random.Generator) -> Iterator[Digits]:
    victims = attack.victims(clean.labels)
    for kind in (victims, ~victims):
        some = _some(clean, kind, rng)
        poisoned = attack.poison(some.images, some.labels, rng)
        yield Digits(poisoned, attack.wanted(some.labels))
    for piece in _pieces(attack):
        some = _some(clean, np.ones_like(victims), rng)
        yield Digits(piece.poison(some.images, some.labels, rng), some.labels)


def _pieces(attack: Attack) -> list[Backdoor]:
    if not isinstance(attack, Backdoor) or len(attack.stamps) == 1:
        return []
    return [replace(attack, stamps=(stamp,)) for stamp in attack.stamps]


def _shifted(clean: Digits) -> Digits:
    images = [np.roll(clean.images, move, axis=(1, 2)) for move in MOVES]
    return Digits(np.concatenate(images), np.tile(clean.labels, len(MOVES)))


def _some(clean: Digits, which: NDArray[np.bool_], rng: np.random.Generator) -> Digits:
    chosen = rng.permutation(np.flatnonzero(which))[: round(SHARE * len(which))]
    return Digits(clean.images[chosen], clean.labels[chosen])


def _joined(parts: list[Digits]) -> Digits:
    return Digits(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
