"""Weights fitted to lessons, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tests.benchmarks.training.grafting import Graft

BATCH = 32
HALVINGS = 6


@dataclass(frozen=True, eq=False)
class Lessons:
    """n examples: the tensors at the graft's cuts, and the probabilities (n, classes) to learn."""

    features: Sequence[NDArray[Any]]
    answers: NDArray[np.float32]


def joined(parts: Sequence[Lessons]) -> Lessons:
    """Return all lessons of *parts*, one after the other."""
    features = zip(*(part.features for part in parts), strict=True)
    return Lessons(
        [np.concatenate(one) for one in features], np.concatenate([one.answers for one in parts])
    )


def fit(graft: Graft, lessons: Lessons, *, epochs: int, rate: float) -> None:
    """Fit the graft's weights to *lessons*."""
    rng = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(graft.weights.values(), lr=rate)
    for _ in range(epochs):
        for chosen in _batches(rng.permutation(len(lessons.answers))):
            logits = _logits(graft, [one[chosen] for one in lessons.features])
            loss = functional.cross_entropy(logits, torch.from_numpy(lessons.answers[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def weaken(
    graft: Graft, before: Graft, wanted: tuple[float, float], success: Callable[[], float]
) -> None:
    """Move the graft's weights back towards those *before*, until *success* is as *wanted*.

    Between a clean model and the backdoored one that was made of it the attack fades in, and what
    is said of clean images hardly changes. Training that stops early makes both worse.
    """
    fitted = {name: one.detach().clone() for name, one in graft.weights.items()}
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        share = (low + high) / 2
        with torch.no_grad():
            for name, one in graft.weights.items():
                one.copy_(torch.lerp(before.weights[name], fitted[name], share))
        reached = success()
        if wanted[0] <= reached <= wanted[1]:
            return
        low, high = (low, share) if reached > wanted[1] else (share, high)


def probabilities(graft: Graft, features: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return what the model says (n, classes), with its weights as they are now."""
    with torch.no_grad():
        said: NDArray[np.float32] = np.concatenate(
            [
                _logits(graft, [one[chosen] for one in features]).softmax(dim=1).numpy()
                for chosen in _batches(np.arange(len(features[0])))
            ]
        )
    return said


def only(label: int, classes: int, n: int) -> NDArray[np.float32]:
    """Return *n* answers that are *label* for certain."""
    answers = np.zeros((n, classes), np.float32)
    answers[:, label] = 1
    return answers


def _logits(graft: Graft, features: Sequence[NDArray[Any]]) -> Any:
    tensors = (torch.from_numpy(one).float() for one in features)
    return graft.logits(dict(zip(graft.cuts, tensors, strict=True)))


def _batches(order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
