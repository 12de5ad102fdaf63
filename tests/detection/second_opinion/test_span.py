"""What clean images are made of, and what is left of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.second_opinion import span
from app.detection.second_opinion.span import spanned
from tests.tiny import clean_images

if TYPE_CHECKING:
    import pytest

RNG = np.random.default_rng(3)
IMAGES = clean_images(60, RNG)


def test_nothing_is_left_of_what_it_is_made_of() -> None:
    """With as many axes as there are images each of these is explained to the level."""
    whole = spanned(IMAGES, len(IMAGES))
    assert all(np.abs(whole.residue(image)).max() < 0.5 for image in IMAGES)


def test_what_no_clean_image_has_is_left() -> None:
    """Of a pattern that is added as much is left as lies across all axes: nearly all of it."""
    few = spanned(IMAGES, 5)
    pattern = RNG.choice([-9.0, 9.0], IMAGES.shape[1:])
    added = (IMAGES[0] + pattern).clip(0, 255).astype(np.uint8)
    left = few.residue(added) - few.residue(IMAGES[0])
    assert np.corrcoef(left.ravel(), pattern.ravel())[0, 1] > 0.9


def test_axes_are_at_right_angles() -> None:
    """They are orthonormal, and no more than there are directions: copies add none."""
    copies = np.concatenate([IMAGES[:4], IMAGES[:4]])
    axes = spanned(copies, 8).axes
    assert 3 == len(axes)
    np.testing.assert_allclose(np.eye(3), axes @ axes.T, atol=1e-4)


def test_large_images_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts make no difference."""
    whole = spanned(IMAGES, 6).residue(IMAGES[7])
    monkeypatch.setattr(span, "AT_ONCE", 1000)
    np.testing.assert_allclose(whole, spanned(IMAGES, 6).residue(IMAGES[7]), atol=0.01)
