"""The Jaccard index: how much the outputs on the fixed set are those on the clean set (NEO, RQ1).

The clean set are the stream's images without a trigger, the fixed set what the defence has made of
the stream. An input is known by its place in the stream, so one input is in both sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.measures.metrics import named_classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassJaccard:
    """One class's index without a defence and with it, and the inputs in its sets.

    ``clean``, ``poisoned`` and ``fixed`` count the inputs that are given this class in the set of
    that name. An index is None where neither of its sets has any.
    """

    index: int
    clean: int
    poisoned: int
    fixed: int
    undefended: float | None
    defended: float | None


def over_pairs(clean: NDArray[np.int64], fixed: NDArray[np.int64]) -> float | None:
    """Return |C and F| / |C or F| of the sets of pairs (input, output) (NEO, Table VI).

    C = {(i, clean[i])}, F = {(i, fixed[i])}. Of n inputs with a outputs alike that is a / (2n - a).
    """
    alike = int((clean == fixed).sum())
    return alike / (2 * len(clean) - alike) if len(clean) else None


def of_class(clean: NDArray[np.int64], fixed: NDArray[np.int64], index: int) -> float | None:
    """Return |C and F| / |C or F| of the sets of inputs given the class *index* (NEO, Table V).

    C = {i: clean[i] = index}, F = {i: fixed[i] = index}.
    """
    in_clean, in_fixed = clean == index, fixed == index
    either = int((in_clean | in_fixed).sum())
    return int((in_clean & in_fixed).sum()) / either if either else None


def per_class(
    clean: NDArray[np.int64], poisoned: NDArray[np.int64], fixed: NDArray[np.int64]
) -> tuple[ClassJaccard, ...]:
    """Return the index of each class that any of the three sets of outputs names."""
    return tuple(
        ClassJaccard(
            index,
            int((clean == index).sum()),
            int((poisoned == index).sum()),
            int((fixed == index).sum()),
            of_class(clean, poisoned, index),
            of_class(clean, fixed, index),
        )
        for index in named_classes(clean, poisoned, fixed)
    )
