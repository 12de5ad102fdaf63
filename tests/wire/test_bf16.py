"""BF16: the upper half of FP32, exactly."""

from __future__ import annotations

import numpy as np

from app.wire.bf16 import STORED, narrowed, widened


def test_all_values_come_back() -> None:
    """Each of the 65,536 values is widened and narrowed to itself, infinities and NaN too."""
    every = np.arange(2**16, dtype="<u2").view(STORED)
    numbers = widened(every)
    assert np.float32 == numbers.dtype
    np.testing.assert_array_equal(every, narrowed(numbers))


def test_the_nearest_is_taken() -> None:
    """Between two values the nearer one is taken, in the middle the even one."""
    numbers = np.array([1.0, 1.003, 1.005, 1.00390625, 1.01171875, -1.005], np.float32)
    expected = [1.0, 1.0, 1.0078125, 1.0, 1.015625, -1.0078125]
    assert expected == widened(narrowed(numbers)).tolist()


def test_other_numbers_stay() -> None:
    """What isn't BF16 is left as it is."""
    numbers = np.array([1.5])
    assert widened(numbers) is numbers
