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


def universal_patch(
    learnt: MLPClassifier, images: Images, box: Box = PLACE, target: int = TARGET
) -> Patch:
    """Return the patch in *box* that makes most of *images* the *target*.

    The target's probability is climbed by the sign of its gradient, with momentum, on all images
    together that don't answer the target yet.
    """
    others = images[labels_of(learnt, images) != target]
    grey = np.full((box.height, box.width, images.shape[3]), 128.0)
    best = Patch(box, grey.astype(np.uint8), target)
    values, direction = grey, np.zeros_like(grey)
    for done in np.linspace(0, 1, STEPS):
        patch = Patch(box, values.round().astype(np.uint8), target)
        patched = patch.on(others)
        fooled = labels_of(learnt, patched) == target
        if fooled.mean() > best.share:
            best = replace(patch, share=float(fooled.mean()))
        if fooled.all():
            break
        slope = _slope(learnt, patched[~fooled], target)[box.rows, box.columns]
        direction = MOMENTUM * direction + slope / (np.abs(slope).max() or 1.0)
        step = FIRST_STEP + done * (LAST_STEP - FIRST_STEP)
        values = np.clip(values + step * np.sign(direction), 0, 255)
    return best


def _slope(learnt: MLPClassifier, images: Images, target: int) -> NDArray[np.float64]:
    """Return the mean gradient of the log probability of *target* by each pixel."""
    (first, second), (bias, last_bias) = learnt.coefs_, learnt.intercepts_
    hidden = np.maximum(images.reshape(len(images), -1) / 255 @ first + bias, 0)
    logits = hidden @ second + last_bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_logit = -shares / shares.sum(axis=1, keepdims=True)
    by_logit[:, target] += 1
    by_pixel = ((by_logit @ second.T) * (hidden > 0)) @ first.T
    slope: NDArray[np.float64] = by_pixel.mean(axis=0).reshape(images.shape[1:])
    return slope
