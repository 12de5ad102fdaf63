"""The corruptions of ImageNet-C, for images of any size."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.baselines.corruptions import CORRUPTIONS, SEVERITIES

SHAPES = [(28, 28, 1), (32, 40, 3)]


def _picture(shape: tuple[int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rng = np.random.default_rng(3)
    coarse = rng.integers(40, 200, (4, 4, shape[2]), np.uint8)
    rows, columns = (np.arange(side) * 4 // side for side in shape[:2])
    return coarse[rows[:, None], columns]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_changes_the_picture_and_keeps_its_shape(shape: tuple[int, int, int]) -> None:
    """All fifteen, at the strongest severity, on grey and coloured pictures."""
    picture, rng = _picture(shape), np.random.default_rng(1)
    made = [corrupt(picture, SEVERITIES[-1], rng) for corrupt in CORRUPTIONS]
    assert 15 == len(made)
    assert {(shape, np.dtype(np.uint8))} == {(one.shape, one.dtype) for one in made}
    assert [] == [i for i, one in enumerate(made) if (one == picture).all()]


def test_noise_and_contrast_grow_with_severity() -> None:
    """Each severity of Gaussian, shot and impulse noise, and of contrast, changes more."""
    picture = _picture(SHAPES[1])
    for i in (0, 1, 2, 11):
        changes = [
            np.abs(CORRUPTIONS[i](picture, severity, np.random.default_rng(1)) - 1.0 * picture)
            for severity in SEVERITIES
        ]
        means = [change.mean() for change in changes]
        assert sorted(means) == means, i
