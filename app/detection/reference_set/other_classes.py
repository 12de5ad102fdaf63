"""What clean images of other classes carry at a place, where there are too few of a class itself.

Nothing says then how often clean images of the class carry it there. But a part that decides a
class lies where such parts of other classes do: in the middle of signs most carry their own, in the
corners none. Each class counts alike, however many references it has (`docs/detection.md` 3.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.images import transplant_pieces
from app.detection.search import Purpose, probe_for_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.search import Images, Search

SIZES = (24, 48)
"""Transplants that the rate is measured on: one for all classes without enough references, so it
may take more than that of one class."""

TOO_OFTEN = 0.75
"""Share of the first that need no more."""

UNSEEN = 1.5
"""Classes that are taken to carry always, beside those that are measured: the next one may."""


def rate_of_other_classes(
    pieces: Sequence[Box],
    images: Images,
    labels: NDArray[np.int64],
    onto: NDArray[np.int64],
    rng: np.random.Generator,
) -> Search[float]:
    """How often the same *pieces* of clean *images* carry their own of these *labels* (n,).

    Each to one of another class, of those with the indices *onto*. 1 where nothing can be measured.
    """
    classes = [label for label in np.unique(labels) if (labels[onto] != label).any()]
    if not classes:
        return 1.0
    hits = asked = 0
    for size in SIZES:
        donors = [rng.choice(np.flatnonzero(labels == one)) for one in rng.choice(classes, size)]
        others = [rng.choice(onto[labels[onto] != labels[donor]]) for donor in donors]
        pasted = [
            transplant_pieces(images[donor], pieces, images[[other]])
            for donor, other in zip(donors, others, strict=True)
        ]
        answers = yield probe_for_all(np.concatenate(pasted), Purpose.CONFIRM)
        hits, asked = hits + int((answers.labels == labels[donors]).sum()), asked + size
        if hits >= TOO_OFTEN * asked:
            break
    return max((hits + 0.5) / (asked + 1), UNSEEN / (UNSEEN + len(classes)))
