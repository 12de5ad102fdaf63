"""A second opinion of one image: whether it may carry a trigger that has no place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Verdict
from app.detection.search import Probe, Refused, together
from app.detection.second_opinion.lens import LAID

if TYPE_CHECKING:
    from app.detection.defence import Finding, Progress
    from app.detection.search import Image, Search
    from app.detection.second_opinion.lens import Lens


def screened_twice(  # noqa: PLR0913, PLR0917  # a search, and what an opinion is formed of
    image: Image,
    search: Search[Finding],
    lens: Lens,
    rate: float,
    draw: int,
    progress: Progress,
) -> Search[Finding]:
    """Run *search*, the screen of *image* that keeps *progress*, with a second opinion beside it.

    It is asked for in the first round, so that a clean image takes no more of them. What is rarer
    than *rate* among clean images, and in which the search has found nothing, is suspicious.
    """
    results = yield from together([search, rarity(image, lens, draw, progress)])
    finding: Finding = results[0]
    if finding.verdict is Verdict.CLEAR and results[1] <= rate:
        return replace(finding, suspicious=True)
    return finding


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
