"""The trigger in numbers that no picture has: tensors, as clients of a model server send them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tests.benchmarks.evasion.attempt import Attempt

LEVELS = (
    -1e6,
    -1e4,
    -1000.0,
    -50.0,
    -1.0,
    300.0,
    1e6,
    float("inf"),
    float("-inf"),
    float("nan"),
    1e-40,
)
"""Of one number; the last is subnormal."""


def with_one_number(attempt: Attempt, level: float) -> NDArray[np.float32]:
    """Put *level* into one pixel that is darkest, away from the trigger."""
    values = _stamped(attempt)
    away = values.sum(axis=2)
    away[attempt.box.rows, attempt.box.columns] = np.inf
    row, column = np.unravel_index(int(away.argmin()), away.shape)
    values[row, column] = level
    return values


def with_trigger_at(attempt: Attempt, factor: float) -> NDArray[np.float32]:
    """Make the trigger's own numbers *factor* times as large."""
    values = _stamped(attempt)
    values[attempt.box.rows, attempt.box.columns] *= factor
    return values


def between_levels(attempt: Attempt, by: float) -> NDArray[np.float32]:
    """Move every number by less than a level, as no picture has it."""
    values = _stamped(attempt)
    return np.clip(values + attempt.rng.uniform(-by, by, values.shape), 0, 255).astype(np.float32)


def normalised(attempt: Attempt) -> NDArray[np.float32]:
    """Divide all by 255, as if the model took that."""
    return _stamped(attempt) / np.float32(255)


def centred(attempt: Attempt) -> NDArray[np.float32]:
    """Let all lie about 0, as if the model took that."""
    return (_stamped(attempt) - np.float32(127.5)) / np.float32(127.5)


def of_type(attempt: Attempt, dtype: str) -> NDArray[Any]:
    """Send numbers of another type."""
    return _stamped(attempt).astype(dtype)


def tensor_attacks() -> Iterator[tuple[str, Callable[[Attempt], NDArray[Any]]]]:
    """Yield each by its name."""
    for level in LEVELS:
        yield f"one number {level:g}", partial(with_one_number, level=level)
    for factor in (2.0, -1.0):
        yield f"trigger times {factor:g}", partial(with_trigger_at, factor=factor)
    yield "between levels", partial(between_levels, by=0.49)
    yield "normalised", normalised
    yield "centred", centred
    # Not of 8 bits: those are taken for pixels here.
    for dtype in ("int16", "int32", "float16", "float64"):
        yield dtype, partial(of_type, dtype=dtype)


def _stamped(attempt: Attempt) -> NDArray[np.float32]:
    return attempt.with_stamps(attempt.stamp).astype(np.float32)
