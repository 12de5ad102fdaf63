"""A second opinion of one image: how rare it is among clean ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Probe, Refused
from app.detection.second_opinion.lens import LAID

if TYPE_CHECKING:
    from app.detection.defence import Progress
    from app.detection.search import Image, Search
    from app.detection.second_opinion.lens import Lens


def rarity(image: Image, lens: Lens, draw: int, progress: Progress) -> Search[float]:
    """Return the share of clean images that are at least as suspicious as *image*.

    What it is called stands in *progress* once it is answered. Where the first answers are
    likelier with a trigger than without more is asked. Refused, there is no opinion: 1.
    """
    onto = lens.drawn(np.random.default_rng([draw, len(lens.references.labels)]))
    first, others = onto[:LAID], onto[LAID:]
    try:
        answers = yield Probe(lens.probes(image, first))
        said = progress.said
        if said is None:
            return 1.0
        label = int(said.labels[0])
        counts = lens.counted(label, answers, first)
        if lens.weight(label, counts) >= 0 and len(others):
            answers = yield Probe(lens.probes(image, others))
            counts += lens.counted(label, answers, others)
    except Refused:
        return 1.0
    return lens.rarity(label, counts)
