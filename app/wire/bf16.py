"""BF16, the upper half of FP32's bits, which numpy has no datatype for.

Values are kept in their own two bytes, so that what is passed on is what came; to compute with them
they are widened, which is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BF16: Final = "BF16"
"""The datatype's name in the protocol."""

STORED: Final = np.dtype([("bf16", "<u2")])
"""Its values in an array: numbers to nobody who doesn't know them."""

_HALF = 16
_BELOW_HALF = np.uint32(0x7FFF)


def widened(values: NDArray[Any]) -> NDArray[Any]:
    """Return *values* as FP32 where they are BF16, else as they are."""
    if values.dtype != STORED:
        return values
    bits = np.ascontiguousarray(values).view("<u2").astype(np.uint32) << _HALF
    return bits.view(np.float32)


def narrowed(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return *numbers* as BF16: the nearest one, of two as near the even one."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    rounded = bits + (_BELOW_HALF + ((bits >> _HALF) & 1))
    kept = np.where(np.isfinite(numbers), rounded, bits) >> _HALF
    return kept.astype("<u2").view(STORED)
