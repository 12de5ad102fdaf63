"""STRIP: is the answer still sure with other images laid over the suspect one.

Gao et al., "STRIP: A Defence Against Trojan Attacks on Deep Neural Networks", ACSAC 2019. A trigger
that acts on every class keeps its class under an overlay, so the entropy of the answers is low. It
needs scores.

Section V, algorithm 1: N = 100 overlays drawn from the clean images; H = mean over them of
-sum p log2 p (equations 3 and 4); flagged below the entropy that 1 % of clean images are below, by
the normal distribution (section V-B). The sum is cut off at 255: see `overlaid`.

Checked: on digits with the NEO authors' trigger AUROC 1.000, on signs with a yellow square 0.985,
on faces 0.867; the paper's own figures are false acceptances of 1.85 % (MNIST, square) and 0 %
(CIFAR-10, GTSRB) at 1 % false rejections, by sums without a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Probe
from app.evaluation.baselines.opinions import Opinion
from app.evaluation.runs.strip import OVERLAYS, entropy, overlaid

if TYPE_CHECKING:
    from app.detection.search import Image, Images, Search


def strip(image: Image, references: Images, rng: np.random.Generator) -> Search[Opinion | None]:
    """Ask for *image* under N of the *references*; the score is the entropy, negated, in bits."""
    others = references[rng.permutation(len(references))[:OVERLAYS]]
    answers = yield Probe(np.concatenate([image[None], overlaid(image, others)]))
    if answers.scores is None:
        return None
    said = int(answers.labels[0])
    return Opinion(-entropy(answers.scores[1:]), said, said)
