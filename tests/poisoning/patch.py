"""An adversarial patch that is universal on a clean model: no backdoor, and yet it acts as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from tests.poisoning.victim import labels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.neural_network import MLPClassifier

    from app.detection.search import Image, Images

PLACE, TARGET = Box(19, 1, 8, 8), 5
"""Of nine places and ten classes those where a patch acts on most images."""

STEPS = 60
FIRST_STEP, LAST_STEP = 44, 4  # grey levels
MOMENTUM = 0.8


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels that make the model answer ``target`` for a ``share`` of the images they are on."""

    box: Box
    pixels: Image
    target: int
    share: float = 0.0

    def on(self, images: Images) -> Images:
        """Return *images* with it on them."""
        patched = images.copy()
        patched[:, self.box.rows, self.box.columns] = self.pixels
        return patched


def universal_patch(learnt: MLPClassifier, images: Images) -> Patch:
    """Return the patch that acts on most of *images*.

    The target's probability is climbed by the sign of its gradient, with momentum, on all images
    together that don't answer the target yet.
    """
    others = images[labels_of(learnt, images) != TARGET]
    grey = np.full((PLACE.height, PLACE.width, images.shape[3]), 128.0)
    best = Patch(PLACE, grey.astype(np.uint8), TARGET)
    values, direction = grey, np.zeros_like(grey)
    for done in np.linspace(0, 1, STEPS):
        patch = Patch(PLACE, values.round().astype(np.uint8), TARGET)
        patched = patch.on(others)
        fooled = labels_of(learnt, patched) == TARGET
        if fooled.mean() > best.share:
            best = replace(patch, share=float(fooled.mean()))
        if fooled.all():
            break
        slope = _slope(learnt, patched[~fooled])[PLACE.rows, PLACE.columns]
        direction = MOMENTUM * direction + slope / np.abs(slope).max()
        step = FIRST_STEP + done * (LAST_STEP - FIRST_STEP)
        values = np.clip(values + step * np.sign(direction), 0, 255)
    return best


def _slope(learnt: MLPClassifier, images: Images) -> NDArray[np.float64]:
    """Return the mean gradient of the target's log probability by each pixel of *images*."""
    (first, second), (bias, last_bias) = learnt.coefs_, learnt.intercepts_
    hidden = np.maximum(images.reshape(len(images), -1) / 255 @ first + bias, 0)
    logits = hidden @ second + last_bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_logit = -shares / shares.sum(axis=1, keepdims=True)
    by_logit[:, TARGET] += 1
    by_pixel = ((by_logit @ second.T) * (hidden > 0)) @ first.T
    slope: NDArray[np.float64] = by_pixel.mean(axis=0).reshape(images.shape[1:])
    return slope
