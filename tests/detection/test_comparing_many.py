"""An archive's second pass finds what a full search for each trigger by itself finds.

Glances say of most images and triggers that no search is worth it (`matching/glancing.py`): here
beside searches in every image, over photographs with and without triggers of several kinds.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn.datasets import load_sample_images

from app.detection.archive.comparing import may_carry, worth_reading
from app.detection.archive.halving import can_halve
from app.detection.defence import Known
from app.detection.matching.bank import finer_bank
from app.detection.reference_set.references import Calibration, References
from app.pictures.decoding import halved, opened
from app.ports import InputSize
from tests.carried import KINDS, as_file, carrying, drawn, of_size, searched
from tests.files import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

SIDE = 128
EACH = 8
"""Images with each trigger."""
TRIGGERS = 12


@cache
def _photographs(count: int, seed: int) -> Images:
    """Return parts of scikit-learn's two photographs."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(count):
        whole = load_sample_images().images[rng.integers(2)]
        cut = int(rng.integers(100, 260))
        y, x = (int(rng.integers(length - cut)) for length in whole.shape[:2])
        parts.append(of_size(whole[y : y + cut, x : x + cut], SIDE))
    return np.stack(parts)


@cache
def _known() -> tuple[Known, ...]:
    rng = np.random.default_rng(5)
    triggers = [
        drawn(KINDS[i % 6], rng, SIDE, (11, 21), moves=i == TRIGGERS - 1) for i in range(TRIGGERS)
    ]
    return tuple(Known(f"t-{i}", trigger) for i, trigger in enumerate(triggers))


@cache
def _references() -> References:
    unknown = Calibration(np.full(30, -1), np.zeros((0, 0), np.int64))
    return References(_photographs(30, seed=1), unknown, {}, seed=1)


def _carrying(trigger: Trigger, rng: np.random.Generator, *, is_noise: bool) -> Image:
    """Return an image that carries it, as its file holds it: half of them are JPEGs."""
    clean: Image = _photographs(40, seed=2)[rng.integers(40)]
    stamped = carrying(trigger, clean, rng, is_noise=is_noise)
    return np.array(Pillow.open(BytesIO(as_file(stamped, rng))))


@cache
def _images() -> tuple[Image, ...]:
    rng = np.random.default_rng(6)
    carried = [
        _carrying(one.trigger, rng, is_noise=KINDS[i % 6] == "noise")
        for i, one in enumerate(_known())
        for _ in range(EACH)
    ]
    return (*carried, *_photographs(20, seed=3))


@pytest.mark.parametrize("kind", range(6), ids=KINDS)
def test_glances_rule_out_nothing_that_a_search_finds(kind: int) -> None:
    """Of each kind: as stored, moved, faded, smaller, larger and as JPEG.

    In clean images it may: a search takes some of a single colour's for one.
    """
    for number in range(kind, TRIGGERS, 6):
        one = _known()[number]
        own = _images()[EACH * number : EACH * (number + 1)]
        may = may_carry(own, (one,), _references())
        everywhere = np.array([searched(image, one, _references()) for image in own])
        assert not np.flatnonzero(everywhere & ~may).size
        assert may.sum() >= EACH // 2


def test_half_the_sides_leave_what_a_search_finds() -> None:
    """Of JPEGs with each trigger, and of clean ones few; but of noise, which is read in full."""
    size, references = (SIDE, SIDE, 3), _references()
    coarse = [one for i, one in enumerate(_known()) if KINDS[i % 6] != "noise"]
    assert [one for one in _known() if can_halve((one,), size)] == coarse
    found = lost = 0
    for number, one in enumerate(_known()):
        if one not in coarse:
            continue
        own = _images()[EACH * number : EACH * (number + 1)]
        bodies = [encoded(image, "JPEG", quality=85) for image in own]
        whole = [np.array(Pillow.open(BytesIO(body))) for body in bodies]
        may = may_carry(whole, (one,), references)
        found += int(may.sum())
        lost += int((may & ~worth_reading(_halves(bodies), (one,), references)[:, 0]).sum())
    assert found >= len(coarse) * EACH // 2
    assert lost == 0
    clean = _halves([encoded(image, "JPEG", quality=85) for image in _photographs(20, seed=3)])
    left = [worth_reading(clean, (one,), references).mean() for one in coarse]
    assert np.median(left) <= 0.05


def _halves(bodies: Sequence[bytes]) -> list[Image]:
    size = InputSize(SIDE, SIDE, 3)
    halves = [halved(opened(body, max_pixels=10**6), size) for body in bodies]
    return [half for half in halves if half is not None]


def test_many_triggers_together_match_what_each_does_alone() -> None:
    """In images with each of them and in clean ones."""
    images, references = list(_images()), _references()
    together = may_carry(images, _known(), references)
    alone = [may_carry(images, (one,), references) for one in _known()]
    assert np.flatnonzero(np.any(alone, axis=0)).tolist() == np.flatnonzero(together).tolist()


def test_what_tells_of_an_image_without_a_search_spares_it_all_others() -> None:
    """A search takes as long as decoding ten images, and the model is asked anyhow."""
    spared = 0
    for image in _images():
        alone = [_told(image, (one,)) for one in _known()]
        if (True, 0) in alone:
            assert _told(image, _known()) == (True, 0)
            spared += sum(searches for _, searches in alone)
    assert spared > 0


def test_clean_images_that_show_too_little_of_noise_are_not_searched_for_it() -> None:
    """Copies of it, shrunken, fit many a place; in the image itself none does."""
    noise = [one for i, one in enumerate(_known()) if KINDS[i % 6] == "noise"]
    told = [_told(image, (one,)) for one in noise for image in _photographs(20, seed=3)]
    assert [(False, 0)] * len(told) == told


def _told(image: Image, known: tuple[Known, ...]) -> tuple[bool, int]:
    """Return if it may carry one of *known*, and how often places of it were searched for that."""
    may_carry([image], known, _references())  # and learn what is usual
    before = finer_bank.cache_info()
    may = may_carry([image], known, _references())
    after = finer_bank.cache_info()
    return bool(may[0]), after.hits + after.misses - before.hits - before.misses
