"""An archive's second pass finds what a full search for each trigger by itself finds.

Glances say of most images and triggers that no search is worth it (`matching/glancing.py`): here
beside searches in every image, over photographs with and without triggers of several kinds.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn.datasets import load_sample_images

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.recognising.comparing import may_carry
from app.detection.recognising.presence import at_their_places, is_common
from app.detection.recognising.sighting import (
    DISTINCT,
    UNUSUAL,
    VERY_LIKELY,
    located,
    of_pixels,
)
from app.detection.reference_set.references import Calibration, References
from app.detection.trigger import Blocker, Fill
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

SIDE = 128
EACH = 8
"""Images with each trigger."""
KINDS = ("blocks", "cut", "round", "one colour", "photograph", "noise")
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
        parts.append(_of_size(whole[y : y + cut, x : x + cut], SIDE))
    return np.stack(parts)


def _of_size(pixels: Image, side: int) -> Image:
    resized = Pillow.fromarray(pixels).resize((side, side), Pillow.Resampling.BILINEAR)
    return np.array(resized)


def _trigger(kind: str, rng: np.random.Generator, *, moves: bool) -> Trigger:
    side = int(rng.integers(11, 21))
    blocks = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    drawn = {
        "one colour": np.full((1, 1, 3), rng.integers(0, 256, 3), np.uint8),
        "photograph": load_sample_images().images[0][100:160, 300:360],
        "noise": rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
    }
    mask = np.ones((side, side), bool)
    if kind == "cut":
        mask[: side // 2, : side // 3] = False
    if kind == "round":
        off = np.arange(side) - (side - 1) / 2
        mask = off[:, None] ** 2 + off**2 <= (side / 2) ** 2
    x, y = (int(at) for at in rng.integers(0, SIDE - side, 2))
    box = Box(x, y, side, side)
    return replace(
        tiny_trigger(),
        box=box,
        patch=_of_size(drawn.get(kind, blocks), side),
        mask=mask,
        blocker=Blocker(box, Fill.RING),
        image_height=SIDE,
        image_width=SIDE,
        moves=moves,
    )


@cache
def _known() -> tuple[Known, ...]:
    rng = np.random.default_rng(5)
    triggers = [_trigger(KINDS[i % 6], rng, moves=i == TRIGGERS - 1) for i in range(TRIGGERS)]
    return tuple(Known(f"t-{i}", trigger) for i, trigger in enumerate(triggers))


@cache
def _references() -> References:
    unknown = Calibration(np.full(30, -1), np.zeros((0, 0), np.int64))
    return References(_photographs(30, seed=1), unknown, {}, seed=1)


def _carrying(trigger: Trigger, rng: np.random.Generator, *, is_noise: bool) -> Image:
    """Return an image that carries it: moved, of another size, faded, or as JPEG, by chance.

    Noise keeps its size: a search finds another one by luck.
    """
    image: Image = _photographs(40, seed=2)[rng.integers(40)].copy()
    side = trigger.box.width
    grown = side if is_noise else round(side * rng.choice([1, 1, rng.uniform(0.87, 1.15)]))
    alpha = rng.choice([1, rng.uniform(0.5, 1)])
    home, far = np.array([trigger.box.x, trigger.box.y]), round(0.07 * SIDE) * (rng.random() < 0.7)
    at = rng.integers(0, SIDE, 2) if trigger.moves else home + rng.integers(-far, far + 1, 2)
    x, y = np.clip(at, 0, SIDE - grown)
    mask = Pillow.fromarray(trigger.own.astype(np.uint8) * 255).resize((grown, grown))
    weights = np.asarray(mask)[..., None] / 255 * alpha
    part = image[y : y + grown, x : x + grown]
    part[:] = np.rint((1 - weights) * part + weights * _of_size(trigger.patch, grown))
    if rng.random() < 0.5:
        file = BytesIO()
        Pillow.fromarray(image).save(file, "JPEG", quality=int(rng.integers(60, 95)))
        image = np.array(Pillow.open(file))
    return image


@cache
def _images() -> tuple[Image, ...]:
    rng = np.random.default_rng(6)
    carrying = [
        _carrying(one.trigger, rng, is_noise=KINDS[i % 6] == "noise")
        for i, one in enumerate(_known())
        for _ in range(EACH)
    ]
    return (*carrying, *_photographs(20, seed=3))


def _searched(image: Image, one: Known) -> bool:
    """Say by a search in all of its reach what glances mostly say sooner."""
    references = _references()
    if at_their_places(image, (one,))[0] and not is_common(one, references):
        return True
    sighting = located(image, one, references)
    weight = of_pixels(sighting, references)
    return weight >= UNUSUAL or (weight >= DISTINCT and sighting.fit >= VERY_LIKELY)


@pytest.mark.parametrize("kind", range(6), ids=KINDS)
def test_glances_rule_out_nothing_that_a_search_finds(kind: int) -> None:
    """Of each kind: as stored, moved, faded, smaller, larger and as JPEG; and in clean images."""
    for number in range(kind, TRIGGERS, 6):
        one = _known()[number]
        own = _images()[EACH * number : EACH * (number + 1)]
        images = [*own, *_photographs(20, seed=3)]
        may = may_carry(images, (one,), _references())
        searched = np.array([_searched(image, one) for image in images])
        assert not np.flatnonzero(searched & ~may).size
        assert may[:EACH].sum() >= EACH // 2


def test_many_triggers_together_match_what_each_does_alone() -> None:
    """In images with each of them and in clean ones."""
    images, references = list(_images()), _references()
    together = may_carry(images, _known(), references)
    alone = [may_carry(images, (one,), references) for one in _known()]
    assert np.flatnonzero(np.any(alone, axis=0)).tolist() == np.flatnonzero(together).tolist()
