"""Fifteen corruptions in five severities, those of ImageNet-C, for images of any size.

Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", ICLR 2019. Written from its descriptions; parameters by memory of the authors' code.
Frost is drawn from noise instead of photographs, and glass moves all its pixels at once. Their
lengths are pixels, whatever the image's side, as in the packages that take small images.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image as Pillow
from scipy import ndimage, signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image

    Unit: TypeAlias = NDArray[np.float64]
    """Pixels (h, w, c) from 0 to 1."""

    Corruption: TypeAlias = Callable[[Image, int, np.random.Generator], Image]

SEVERITIES = range(1, 6)


def _gaussian_noise(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    return x + rng.normal(0, (0.08, 0.12, 0.18, 0.26, 0.38)[severity], x.shape)


def _shot_noise(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    photons = (60, 25, 12, 5, 3)[severity]
    return rng.poisson(np.clip(x, 0, 1) * photons) / photons


def _impulse_noise(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    struck = rng.random(x.shape) < (0.03, 0.06, 0.09, 0.17, 0.27)[severity]
    return np.where(struck, rng.integers(0, 2, x.shape), x)


def _defocus_blur(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    radius, soft = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity]
    down, across = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = ndimage.gaussian_filter((down**2 + across**2 <= radius**2).astype(float), soft)
    return _filtered(x, disk)


def _glass_blur(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    sigma, far, times = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity]
    blurred = _smooth(x, sigma)
    rows, columns = np.indices(x.shape[:2])
    for _ in range(times):
        down, across = rng.integers(-far, far, (2, *x.shape[:2]), endpoint=True)
        places = np.clip(rows + down, 0, len(x) - 1), np.clip(columns + across, 0, x.shape[1] - 1)
        blurred = blurred[places]
    return _smooth(blurred, sigma)


def _motion_blur(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity]
    angle = np.deg2rad(rng.uniform(-45, 45))
    along = np.arange(radius + 1)
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    rows = np.rint(radius + along * np.sin(angle)).astype(int)
    columns = np.rint(radius + along * np.cos(angle)).astype(int)
    kernel[rows, columns] = np.exp(-(along**2) / (2 * sigma**2))
    return _filtered(x, kernel)


def _zoom_blur(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    most, step = ((0.11, 0.01), (0.16, 0.01), (0.21, 0.02), (0.26, 0.02), (0.31, 0.03))[severity]
    factors = np.arange(1, 1 + most, step)
    return (x + sum(_zoomed(x, factor) for factor in factors)) / (len(factors) + 1)


def _snow(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    mean, deviation, zoom, least, radius, sigma, kept = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )[severity]
    flakes = _zoomed(rng.normal(mean, deviation, (*x.shape[:2], 1)), zoom)
    flakes[flakes < least] = 0
    length = np.arange(-radius, radius + 1)
    trail = np.diag(np.exp(-(length**2) / (2 * sigma**2)) * (length >= 0))
    layer = _filtered(np.clip(flakes, 0, 1), trail)
    grey = x.mean(axis=2, keepdims=True)
    whiter = kept * x + (1 - kept) * np.maximum(x, grey * 1.5 + 0.5)
    fallen: Unit = whiter + layer + layer[::-1, ::-1]
    return fallen


def _frost(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    kept, added = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity]
    grain = _smooth(rng.random((*x.shape[:2], 1)), 1)
    crystals = (grain - grain.min()) / max(float(np.ptp(grain)), 1e-9)
    frozen: Unit = kept * x + added * crystals**2
    return frozen


def _fog(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    thick, decay = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))[severity]
    highest = max(float(x.max()), 1e-9)
    fog = _plasma(x.shape[:2], decay, rng)[..., None]
    return (x + thick * fog) * highest / (highest + thick)


def _brightness(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    brightest = np.clip(x.max(axis=2, keepdims=True), 1e-9, 1)  # the value of HSV
    brighter: Unit = x * (np.minimum(brightest + 0.1 * (severity + 1), 1) / brightest)
    return brighter


def _contrast(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    mean = x.mean(axis=(0, 1), keepdims=True)
    paler: Unit = mean + (0.4, 0.3, 0.2, 0.1, 0.05)[severity] * (x - mean)
    return paler


def _elastic(x: Unit, severity: int, rng: np.random.Generator) -> Unit:
    strength = (12.5, 16.25, 21.25, 25, 30)[severity]
    height, width = x.shape[:2]
    most, sigma = 0.005 * height, 0.01 * height
    moves = [
        strength * ndimage.gaussian_filter(rng.uniform(-most, most, (height, width)), sigma)
        for _ in range(2)
    ]
    places = np.indices((height, width)) + moves
    return _per_channel(
        x, lambda one: ndimage.map_coordinates(one, places, order=1, mode="reflect")
    )


def _pixelate(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    share = (0.6, 0.5, 0.4, 0.3, 0.25)[severity]
    height, width = x.shape[:2]
    small = max(1, int(width * share)), max(1, int(height * share))
    picture = _picture(x).resize(small, Pillow.Resampling.BOX)
    return _unit(picture.resize((width, height), Pillow.Resampling.NEAREST), x)


def _jpeg(x: Unit, severity: int, rng: np.random.Generator) -> Unit:  # noqa: ARG001
    file = BytesIO()
    _picture(x).save(file, "JPEG", quality=(25, 18, 15, 10, 7)[severity])
    return _unit(Pillow.open(file), x)


def _corruption(change: Callable[[Unit, int, np.random.Generator], Unit]) -> Corruption:
    def corrupt(image: Image, severity: int, rng: np.random.Generator) -> Image:
        changed = change(image / 255, severity - 1, rng)
        whole: Image = np.rint(255 * np.clip(changed, 0, 1)).astype(np.uint8)
        return whole

    return corrupt


CORRUPTIONS: tuple[Corruption, ...] = tuple(
    _corruption(change)
    for change in (
        _gaussian_noise,
        _shot_noise,
        _impulse_noise,
        _defocus_blur,
        _glass_blur,
        _motion_blur,
        _zoom_blur,
        _snow,
        _frost,
        _fog,
        _brightness,
        _contrast,
        _elastic,
        _pixelate,
        _jpeg,
    )
)
"""In the order of TeCo's code; each takes an image (h, w, c), a severity, and chance."""


def _per_channel(x: Unit, change: Callable[[Unit], Unit]) -> Unit:
    return np.stack([change(x[..., i]) for i in range(x.shape[2])], axis=2)


def _filtered(x: Unit, kernel: Unit) -> Unit:
    even = kernel / kernel.sum()
    around = [(size // 2, size // 2) for size in even.shape]

    def filtered(one: Unit) -> Unit:
        wide = np.pad(one, around, mode="symmetric")
        return signal.fftconvolve(wide, even, mode="valid")  # type: ignore[no-any-return]

    return _per_channel(x, filtered)


def _smooth(x: Unit, sigma: float) -> Unit:
    smooth: Unit = ndimage.gaussian_filter(x, (sigma, sigma, 0))
    return smooth


def _zoomed(x: Unit, factor: float) -> Unit:
    """Return the middle of *x*, enlarged to its size."""
    height, width = x.shape[:2]
    middle = (np.array([height, width]) - 1) / 2
    rows, columns = np.indices((height, width))
    places = [middle[0] + (rows - middle[0]) / factor, middle[1] + (columns - middle[1]) / factor]
    return _per_channel(
        x, lambda one: ndimage.map_coordinates(one, places, order=1, mode="nearest")
    )


def _plasma(shape: tuple[int, int], decay: float, rng: np.random.Generator) -> Unit:
    """Return noise (h, w) from 0 to 1 in octaves, each *decay* times weaker than a coarser one."""
    total, strength, cells = np.zeros(shape), 1.0, 2
    while cells < 2 * max(shape):
        octave = Pillow.fromarray(rng.random((cells, cells)).astype(np.float32))
        size = shape[1], shape[0]
        total += strength * np.asarray(octave.resize(size, Pillow.Resampling.BILINEAR))
        strength, cells = strength / decay, cells * 2
    noise: Unit = (total - total.min()) / max(float(np.ptp(total)), 1e-9)
    return noise


def _picture(x: Unit) -> Pillow.Image:
    pixels = np.rint(255 * np.clip(x, 0, 1)).astype(np.uint8)
    return Pillow.fromarray(pixels if x.shape[2] > 1 else pixels[..., 0])


def _unit(picture: Pillow.Image, like: Unit) -> Unit:
    return np.asarray(picture).reshape(like.shape) / 255
