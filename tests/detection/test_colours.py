"""The dominant colour: NEO's largest of three clusters, also when it is told from a small copy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from app.detection.colours import dominant_colour


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 48, 3), (65, 40, 3), (224, 224, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_kmeans_on_the_whole_image(shape: tuple[int, int, int], seed: int) -> None:
    """The colour is that of scikit-learn's largest cluster of all pixels, within 3 levels."""
    image = _three_areas(shape, np.random.default_rng(seed))
    pixels = image.reshape(-1, shape[2]).astype(np.float32)
    clusters = KMeans(3, n_init=4, random_state=seed).fit(pixels)
    largest = clusters.cluster_centers_[np.bincount(clusters.labels_).argmax()]
    assert np.abs(largest - dominant_colour(image)).max() <= 3


@pytest.mark.parametrize("channels", [1, 3])
def test_few_colours_are_counted(channels: int) -> None:
    """With at most three colours the most frequent one is the dominant one, exactly."""
    image = np.full((8, 8, channels), 17, np.uint8)
    image[:2], image[2:4] = 200, 90
    assert [17] * channels == dominant_colour(image).tolist()


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 1, 1), (512, 8, 1), (8, 512, 3), (65, 129, 3)])
def test_every_size_has_one(shape: tuple[int, int, int]) -> None:
    """A plain image of any size and shape has its own colour, one number for each channel."""
    colour = dominant_colour(np.full(shape, 123, np.uint8))
    assert ([123] * shape[2], "uint8") == (colour.tolist(), str(colour.dtype))


def test_same_image_same_colour() -> None:
    """Noise, which has no natural clusters, gives the same colour every time."""
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    assert dominant_colour(image).tolist() == dominant_colour(image.copy()).tolist()


def _three_areas(
    shape: tuple[int, int, int], rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return noisy stripes of three colours far apart, the first the widest."""
    height, width, channels = shape
    colours = np.array([40, 130, 220])[rng.permutation(3)]
    bounds = (int(0.5 * width), int(0.8 * width))
    stripe = np.searchsorted(bounds, np.arange(width), side="right")
    shades = np.repeat(colours[stripe][None, :, None], height, axis=0)
    return (shades + rng.normal(0, 4, (height, width, channels))).clip(0, 255).astype(np.uint8)
