"""What `make bench-scan` computes of comparing by pixels: losses, times by stage, a sure bound."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from app.detection.matching import likeness
from tests.benchmarks.scan.bound import SIDE, Bound, copies, windows
from tests.benchmarks.scan.floor import floor, spared
from tests.benchmarks.scan.glances import Losses, compared, counted, losses, summed
from tests.benchmarks.scan.sets import REFERENCES, Ground, Stored, carried, triggers
from tests.carried import KINDS, drawn, of_size
from tests.files import encoded

SMALL = 64  # px


@cache
def _ground() -> Ground:
    """Return parts of scikit-learn's photographs."""
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(REFERENCES + 16):
        whole = load_sample_images().images[rng.integers(2)]
        y, x = (int(rng.integers(length - 200)) for length in whole.shape[:2])
        parts.append(of_size(whole[y : y + 200, x : x + 200], SMALL))
    return Ground.of(np.stack(parts))


def test_what_only_the_search_finds_is_lost() -> None:
    """What only glances find is none the less counted as found by them."""
    everywhere, glanced, read = [True, True, False, True], [True, False, True, True], [False] * 4
    found = counted("blocks", everywhere, glanced, read)
    assert found == Losses("blocks", 4, everywhere=3, glanced=3, lost=1, read=0, lost_reading=3)
    assert summed("all", [found, found]) == Losses("all", 8, 6, 6, 2, 0, 6)


def test_losses_are_measured_for_each_kind_and_for_clean_images() -> None:
    """Most images with a trigger are found, by either way, and few without one."""
    rows = list(losses(_ground(), 6, each=4, clean=8, seed=3))
    assert [row.kind for row in rows][-1] == "none"
    carrying = summed("all", rows[:-1])
    assert carrying.images == 24
    assert carrying.everywhere >= 16
    assert carrying.glanced >= carrying.everywhere - carrying.lost
    assert carrying.read >= carrying.everywhere - carrying.lost_reading
    assert rows[-1].images == 8


def test_nothing_is_lost_where_nothing_is_to_be_found() -> None:
    """Black images show no trigger, by either way."""
    _, known = triggers(2, SMALL, 1, kinds=("blocks",))
    black = np.zeros((SMALL, SMALL, 3), np.uint8)
    pictures = [Stored(encoded(black, file_format), black) for file_format in ("PNG", "JPEG")]
    row = compared("none", pictures, known, _ground().references)
    assert row == Losses("none", 2, 0, 0, 0, 0, 0)


def test_pictures_carry_their_trigger() -> None:
    """As files that decode to the images, which differ from all clean ones."""
    kinds, known = triggers(3, SMALL, 2, kinds=KINDS, roaming=3)
    assert kinds == list(KINDS[:3])
    assert [one.trigger.moves for one in known] == [False, False, True]
    pictures = carried(_ground(), kinds, known, 4, seed=2)
    assert [one.number for one in pictures] == [0] * 4 + [1] * 4 + [2] * 4
    assert {one.body[:4] for one in pictures} == {b"\x89PNG", b"\xff\xd8\xff\xe0"}
    for one in pictures:
        off = np.abs(_ground().clean.astype(int) - one.image).max(axis=(1, 2, 3))
        assert off.min() > 20


def test_stages_take_time_and_leave_less_and_less() -> None:
    """The second copies are of what the first have left."""
    _, known = triggers(4, SMALL, 4, kinds=("blocks",), roaming=0)
    one = floor(_ground(), known, images=8)
    assert (one.triggers, one.images) == (4, 8)
    assert min(one.decoding, one.exact, one.shared, one.first) > 0
    assert 0 <= one.second_left <= one.first_left <= 1


@pytest.mark.parametrize("directions", [0, 4, 12])
def test_the_bound_is_sure(directions: int) -> None:
    """Nowhere does a copy fit better, whatever the directions; more of them say no more."""
    rng = np.random.default_rng(directions)
    step = 4
    sought = [likeness(drawn(("blocks", "noise")[i % 2], rng, SMALL, (14, 15))) for i in range(20)]
    of, wanted = windows(_ground().clean[:6], step), copies(sought, step)
    everywhere = np.arange(of.squares.size)
    bound, finer = Bound(wanted, directions), Bound(wanted, directions + 8)
    exact = Bound(wanted, len(wanted))
    for number in range(len(sought)):
        fits, less, most = (
            one.most(of, one.projected(of), number, everywhere) for one in (exact, finer, bound)
        )
        assert (most >= less - 1e-3).all()
        assert (less >= fits - 1e-3).all()
        assert most.mean() > fits.mean()


def test_with_all_directions_the_bound_is_how_well_a_copy_fits() -> None:
    """Beside sums over each window's pixels."""
    rng = np.random.default_rng(5)
    step, clean = 4, _ground().clean[:1]
    sought = [likeness(drawn("blocks", rng, SMALL, (14, 15)))]
    of, wanted = windows(clean, step), copies(sought, step)
    bound = Bound(wanted, len(wanted))
    fits = bound.most(of, bound.projected(of), 0, np.arange(of.squares.size))
    coarse = clean[0].reshape(SMALL // step, step, SMALL // step, step, 3).mean(axis=(1, 3))
    row, column = 5, 6
    around = coarse[row - 2 : row + SIDE + 2, column - 2 : column + SIDE + 2]
    inside = coarse[row : row + SIDE, column : column + SIDE]
    ring = (around.sum(axis=(0, 1)) - inside.sum(axis=(0, 1))) / (49 - 9)
    apart, own = (inside - ring).ravel(), (wanted[:, 0].reshape(SIDE, SIDE, 3) - ring).ravel()
    alpha = np.clip(apart @ own / (own @ own), 0.2, 1.25)
    spread = max(apart @ apart, SIDE**2 * 3 * 16)
    expected = max(0.0, 1 - ((apart - alpha * own) ** 2).sum() / spread)
    assert fits[row * of.shape[1] + column] == pytest.approx(expected, abs=1e-3)


def test_what_the_bound_leaves_shrinks_with_its_directions() -> None:
    """It stays sure, and leaves at least what a copy leaves."""
    rows = spared(_ground(), 6, 8, 1)
    assert all(row.is_sure for row in rows)
    left = [row.left for row in rows]
    assert left == sorted(left, reverse=True)
    assert left[-1] >= rows[-1].exact_left


@pytest.mark.slow
@pytest.mark.parametrize("only", ["glances", "floor"])
def test_without_the_zoo_it_says_so(tmp_path: Path, only: str) -> None:
    """It is only with this project's makers."""
    program = (sys.executable, "-m", "tests.benchmarks.scan", "--only", only)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "skipped: no zoo"
