"""The trigger where it was, in other shades: fainter, lighter, noisier, saved as JPEG."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.evaluation.records import Stamp
    from tests.benchmarks.evasion.attempt import Attempt

    Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]

BISECTIONS = 8
"""To within less than half a per cent of alpha."""

QUARTER = 0.25


def fainter(attempt: Attempt, alpha: float) -> Image:
    """Mix the trigger with what lies under it."""
    return attempt.with_stamps(with_alpha(attempt.stamp, alpha))


def least_alpha(attempt: Attempt) -> Image | None:
    """Mix it as faintly as it still acts."""
    low, high = 0.0, 1.0
    if attempt.says(fainter(attempt, high)[None])[0] != attempt.wanted:
        return None
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        acts = attempt.says(fainter(attempt, middle)[None])[0] == attempt.wanted
        low, high = (low, middle) if acts else (middle, high)
    return fainter(attempt, high)


def changed(attempt: Attempt, change: Change) -> Image:
    """Change the trigger's own levels."""
    return attempt.with_stamps(in_other_shades(attempt.stamp, change))


def picture_changed(attempt: Attempt, change: Change) -> Image:
    """Change the levels of the whole picture, the trigger on it."""
    return _rounded(change(attempt.with_stamps(attempt.stamp).astype(float)))


def noisy(attempt: Attempt, most: int) -> Image:
    """Move each level of the trigger by up to *most*."""
    return changed(attempt, partial(_with_noise, most=most, rng=attempt.rng))


def noisy_picture(attempt: Attempt, most: int) -> Image:
    """Move each level of the whole picture by up to *most*."""
    return picture_changed(attempt, partial(_with_noise, most=most, rng=attempt.rng))


def blurred(attempt: Attempt) -> Image:
    """Blur the whole picture by a pixel."""
    picture = Pillow.fromarray(attempt.with_stamps(attempt.stamp).squeeze())
    soft = picture.filter(ImageFilter.GaussianBlur(1))
    return np.asarray(soft).reshape(attempt.image.shape)


def quarter_altered(attempt: Attempt, levels: int) -> Image:
    """Make a quarter of the trigger's pixels lighter or darker."""
    return attempt.with_stamps(with_quarter_altered(attempt.stamp, levels, attempt.rng))


def as_jpeg(attempt: Attempt, quality: int) -> Image:
    """Save the picture as JPEG and read it again."""
    body = io.BytesIO()
    picture = Pillow.fromarray(attempt.with_stamps(attempt.stamp).squeeze())
    picture.save(body, "JPEG", quality=quality)
    return np.asarray(Pillow.open(body)).reshape(attempt.image.shape)


def gain(factor: float, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply *levels*."""
    return levels * factor


def offset(difference: float, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add to *levels*."""
    return levels + difference


def gamma(exponent: float, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend *levels*: above 1 darker."""
    bent: NDArray[np.float64] = 255 * (levels / 255) ** exponent
    return bent


def with_alpha(stamp: Stamp, alpha: float) -> Stamp:
    """Return *stamp*, so much fainter."""
    rgba = stamp.rgba.copy()
    rgba[..., 3] = np.rint(rgba[..., 3] * alpha)
    return replace(stamp, rgba=rgba)


def in_other_shades(stamp: Stamp, change: Change) -> Stamp:
    """Return *stamp* with its colours changed."""
    rgba = stamp.rgba.copy()
    rgba[..., :3] = _rounded(change(rgba[..., :3].astype(float)))
    return replace(stamp, rgba=rgba)


def with_quarter_altered(stamp: Stamp, levels: int, rng: np.random.Generator) -> Stamp:
    """Return *stamp* with a quarter of its pixels *levels* lighter or darker."""
    rows, columns = np.nonzero(stamp.rgba[..., 3])
    chosen = rng.permutation(len(rows))[: max(1, round(QUARTER * len(rows)))]
    by = np.zeros((*stamp.rgba.shape[:2], 1))
    by[rows[chosen], columns[chosen], 0] = levels * rng.choice([-1, 1], len(chosen))
    now = stamp.rgba[..., :3].astype(float)
    # What is at an end of the range already is moved the other way, or it would stay as it is.
    by = np.where(((now + by) < 0).all(axis=2, keepdims=True), -by, by)
    by = np.where(((now + by) > 255).all(axis=2, keepdims=True), -by, by)
    return in_other_shades(stamp, lambda colours: colours + by)


def _with_noise(
    levels: NDArray[np.float64], most: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    return levels + rng.integers(-most, most, levels.shape, endpoint=True)


def _rounded(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
