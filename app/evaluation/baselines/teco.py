"""TeCo: do different corruptions change the answer at different strengths.

Liu et al., "Detecting Backdoors During the Inference Stage Based on Corruption Robustness
Consistency", CVPR 2023. Section 4.2: for each of 15 corruptions the first of 5 severities whose
label isn't that of the image, 6 if none is; the score is the standard deviation over the
corruptions. A poisoned image's is high. Labels alone are needed, and no clean data.

The authors' code, and BackdoorBench's, corrupt what is corrupted already: each severity and each
corruption begins with the image that the one before has left. The paper's text says nothing of it,
but their figures come from there, so ``cumulative`` is the default here. The corruptions are
written anew (`corruptions`): without the photographs of frost, and their parameters by memory.

Checked: AUROC 0.974 on signs with a yellow square, where the package of corruptions that the
authors use gave 0.964 cumulatively (and 0.454 with each severity by itself). That package takes no
image below 32 pixels a side, so the figures on digits are nobody's but ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Probe
from app.evaluation.baselines.corruptions import CORRUPTIONS, SEVERITIES
from app.evaluation.baselines.opinions import Opinion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images, Search


def teco(
    image: Image,
    references: Images,  # noqa: ARG001  # it needs no clean data
    rng: np.random.Generator,
    *,
    cumulative: bool = True,
) -> Search[Opinion | None]:
    """Ask for *image*, and for it under 75 corruptions; the score is the deviation."""
    answers = yield Probe(np.stack([image, *corrupted(image, rng, cumulative=cumulative)]))
    said = int(answers.labels[0])
    table = answers.labels[1:].reshape(len(CORRUPTIONS), len(SEVERITIES))
    return Opinion(deviation(table, said), said, said)


def corrupted(image: Image, rng: np.random.Generator, *, cumulative: bool) -> list[Image]:
    """Return *image* (h, w, c) under each corruption, by all severities of one in a row."""
    found, latest = [], image
    for corrupt in CORRUPTIONS:
        for severity in SEVERITIES:
            latest = corrupt(latest if cumulative else image, severity, rng)
            found.append(latest)
    return found


def deviation(labels: NDArray[np.int64], said: int) -> float:
    """Return the deviation over the corruptions of *labels* (corruptions, severities)."""
    changed = labels != said
    never = len(SEVERITIES) + 1
    first = np.where(changed.any(axis=1), changed.argmax(axis=1) + 1, never)
    return float(first.std())
