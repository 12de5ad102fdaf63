"""How well a trigger's pixels fit at each place: the same numbers, however they are summed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.matching import RING, Likeness, fitting
from app.detection.matching.bank import bank
from app.detection.matching.fitting import fit_of, fitted
from app.detection.matching.glancing import Copies
from tests.tiny import clean_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 60
PLACES = [(0, 0), (21, 17), (SIDE - 16, SIDE - 18)]
SIZES = ((16, 18), (14, 20), (11, 13))


def _likeness(*, whole: bool) -> Likeness:
    rng = np.random.default_rng(6)
    weights = np.ones((16, 18)) if whole else rng.random((16, 18)) * (rng.random((16, 18)) > 0.3)
    return Likeness(
        rng.integers(0, 256, (16, 18, 3)).astype(np.float32), weights.astype(np.float32)
    )


def _image() -> NDArray[np.float32]:
    """Return one that shows its pixels, not quite opaque, at some places."""
    clean = clean_images(1, np.random.default_rng(9), shape=(SIDE, SIDE))[0]
    seen: NDArray[np.float32] = clean.astype(np.float32)
    for y, x in PLACES:
        there = seen[y : y + 16, x : x + 18]
        there += np.float32(0.7) * (_likeness(whole=True).pixels - there)
    return seen


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("sizes", [SIZES, SIZES[:1]])
def test_row_by_row_the_fit_is_the_same(
    *, whole: bool, sizes: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large windows aren't laid side by side; what comes out is what is if they are."""
    what, seen = bank(_likeness(whole=whole), sizes), _image()
    told = []
    monkeypatch.setattr(fitting, "LARGE", 0)
    for bound in (0, 2**40):
        monkeypatch.setattr(fitting, "BY_ROWS", bound)
        told.append(fitted(seen, what))
    for by_rows, by_windows in zip(*told, strict=True):
        assert np.allclose(by_rows, by_windows, atol=1e-4)
    assert not np.array_equal(told[0][0], told[1][0])  # each in its own way


@pytest.mark.parametrize("at", PLACES)
def test_the_fit_is_that_of_its_formula(at: tuple[int, int]) -> None:
    """At the image's edges too: of what sets a place apart from its ring, pixel by pixel."""
    what, seen = _likeness(whole=False), _image()
    y, x = at
    within = np.zeros((SIDE, SIDE), bool)
    ring = np.zeros((SIDE, SIDE), bool)
    within[y : y + 16, x : x + 18] = True
    ring[max(y - RING, 0) : y + 16 + RING, max(x - RING, 0) : x + 18 + RING] = True
    apart = seen[within].reshape(16, 18, 3) - seen[ring & ~within].mean(axis=0)
    own = what.pixels - seen[ring & ~within].mean(axis=0)
    weights = what.weights[..., None]
    spread, explained, squared = (
        np.array([(weights * one).sum()], np.float32) for one in (apart**2, apart * own, own**2)
    )
    noise = float(what.weights.sum() * 3 * fitting.NOISE**2)
    expected = fit_of(spread, explained, squared, noise)
    found = fitted(seen, bank(what, ((16, 18),)))
    assert np.allclose([one[y, x] for one in found], expected, atol=1e-3)
    assert found[0][y, x] > 0.2  # more than anywhere by chance


def test_a_glance_of_whole_pixels_is_that_of_nearly_whole_ones() -> None:
    """What has no mask is summed in a shorter way, which gives the same fits and places."""
    whole = _likeness(whole=True)
    nearly = Likeness(whole.pixels, whole.weights * np.float32(1 - 1e-6))
    seen = clean_images(12, np.random.default_rng(5), shape=(SIDE, SIDE))
    seen[3, 20:36, 30:48] = whole.pixels.astype(np.uint8)
    area = Box(0, 0, SIDE, SIDE)
    copies = Copies(list(seen), 2, [area])
    (fits, places), (expected, at) = (copies.fits(one, area) for one in (whole, nearly))
    assert np.allclose(fits, expected, atol=2e-3)
    assert 3 == fits.argmax()
    assert places[3].tolist() == at[3].tolist()
