"""The networks that are trained in here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from app.digits.images import Digits, digits
from app.digits.network import Recipe, network, scores

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(hidden=32, rounds=30, seed=1)
SOME = Digits(digits().training.images[:600], digits().training.labels[:600])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "neo-gateway"


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_it_learns_to_read(precision: Literal["float32", "float64"]) -> None:
    """The network reads most digits that it hasn't seen, and its answers are probabilities."""
    model = network(SOME, replace(RECIPE, precision=precision))
    stream = digits().stream
    said = scores(model, stream.images)
    assert precision == model.coefs_[0].dtype
    assert (said.argmax(axis=1) == stream.labels).mean() > 0.7
    assert np.allclose(said.sum(axis=1), 1, atol=1e-4)


def test_it_is_trained_once(cache: Path) -> None:
    """The same lessons and recipe are one file, which is read again; other ones are another."""
    first = network(SOME, RECIPE)
    (kept,) = cache.iterdir()
    written = kept.stat().st_mtime_ns
    again = network(SOME, RECIPE)
    assert (first.coefs_[0] == again.coefs_[0]).all()
    assert written == kept.stat().st_mtime_ns

    network(SOME, replace(RECIPE, seed=2))
    network(Digits(SOME.images, (SOME.labels + 1) % 10), RECIPE)
    network(Digits(255 - SOME.images, SOME.labels), RECIPE)
    assert 4 == len(list(cache.iterdir()))
