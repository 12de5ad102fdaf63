"""SCALE-UP: does the answer stay while all pixels are multiplied.

Guo et al., "SCALE-UP: An Efficient Black-box Input-level Backdoor Detection via Analyzing Scaled
Prediction Consistency", ICLR 2023. Section 4.1: SPC(x) = the share of n in S for which the label of
clip(n x) is that of x (equation 1); a poisoned image's is high. Data-free, by labels alone.

S and the noise are those of the authors' code, not of the paper's {3, 5, 7, 9, 11}: x + 0.02 U(0,
1) of pixels from 0 to 1, then clipped products with 1 to 11, the first among those that count. The
paper flags above a T of the defender's choice; here T is the score that 1 % of clean references
exceed, as for the others. Scores are elevenths: where more than 1 % of clean images have the
highest one, nothing is flagged, whatever the AUROC.

Checked: AUROC 0.911 on signs with a yellow square, where another writing of it gave 0.890, and
about 0.5 on digits, whose pixels are black or white already; the paper has 0.97 on CIFAR-10 with
BadNets (figure recalled).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Probe
from app.evaluation.baselines.opinions import Opinion

if TYPE_CHECKING:
    from app.detection.search import Image, Images, Search

SCALES = range(1, 12)
NOISE = 0.02
"""Of the range of a pixel."""


def scale_up(
    image: Image,
    references: Images,  # noqa: ARG001  # it needs no clean data
    rng: np.random.Generator,
) -> Search[Opinion | None]:
    """Ask for *image*, and for it scaled up; the score is SPC."""
    answers = yield Probe(np.concatenate([image[None], scaled(image, rng)]))
    labels = answers.labels
    said = int(labels[0])
    return Opinion(consistency(labels[1:]), said, said)


def scaled(image: Image, rng: np.random.Generator) -> Images:
    """Return *image* (h, w, c) multiplied by each of the scales (11, h, w, c)."""
    noisy = image + 255 * NOISE * rng.random(image.shape)
    copies = np.stack([np.clip(scale * noisy, 0, 255) for scale in SCALES])
    return np.rint(copies).astype(np.uint8)


def consistency(labels: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Return SPC: the share of *labels* (n,) that are the first one, itself included."""
    return float((labels == labels[0]).mean())
