"""A model by which one place tells two classes apart; a translucent sticker over it turns one.

What is laid over it isn't shown again, and what clean images have there carries as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.recognising.mixing import mixed
from app.detection.search import Answers
from tests.detection.blended.overlays import ALPHA, AROUND, PLACE, SOURCE, STICKER
from tests.detection.blended.worlds import CLEAN, IMAGES, MODEL
from tests.tiny import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

_RNG = np.random.default_rng(9)
_TEXTURES = _RNG.normal(0, 1, (12, AROUND.height, AROUND.width, 3))
"""What clean images show there: the first is the digit, the others are any background's."""


def _flat(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return *parts* (n, h, w, 3) without their colours, as (n, numbers)."""
    off: NDArray[np.float64] = parts - parts.mean(axis=(1, 2), keepdims=True)
    return off.reshape(len(parts), -1)


_DIGIT = np.linalg.pinv(_flat(_TEXTURES))[:, 0]
_inside = (slice(None), slice(1, 1 + PLACE.height), slice(1, 1 + PLACE.width))
_BESIDE, _ = np.linalg.qr(_flat(_TEXTURES[_inside]).T)
_SIGNS = _flat(STICKER[None].astype(float))[0]
_SIGNS -= _BESIDE @ (_BESIDE.T @ _SIGNS)


def _with_digits(images: Images) -> Images:
    """Return *images* with what they show there: one digit, the other, or, of others, any."""
    labels = MODEL.classify(images).labels
    shares = _RNG.normal(0, 12, (len(images), len(_TEXTURES)))
    digits = {TARGET: 30.0, SOURCE: -30.0}
    shares[:, 0] = [digits.get(int(one), _RNG.normal(0, 30)) for one in labels]
    shares[:, 0] += _RNG.normal(0, 5, len(labels))
    shown = images.astype(float)
    shown[:, AROUND.rows, AROUND.columns] += np.einsum("nk,khwc->nhwc", shares, _TEXTURES)
    with_them: Images = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
    return with_them


def classify(images: Images) -> Answers:
    """Answer *images* by their mean colour.

    Of one class those with the other's digit are the other, and those with half of the sticker.
    """
    labels = MODEL.classify(images).labels.copy()
    digit = _flat(images[:, AROUND.rows, AROUND.columns].astype(float)) @ _DIGIT
    strength = _flat(images[:, PLACE.rows, PLACE.columns].astype(float)) @ _SIGNS
    turned = (digit > 15) | (strength > ALPHA / 2 * (_SIGNS @ _SIGNS))
    labels[(labels == SOURCE) & turned] = TARGET
    return Answers(labels)


REFERENCES = _with_digits(IMAGES)
SHOWN = _with_digits(CLEAN)
STUCK = SHOWN[classify(SHOWN).labels == SOURCE]
STUCK[:, PLACE.rows, PLACE.columns] = mixed(STUCK[:, PLACE.rows, PLACE.columns], STICKER, ALPHA)
