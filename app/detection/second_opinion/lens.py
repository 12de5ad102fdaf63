"""What images are looked at through: their residues on references, and what these usually say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from app.detection.second_opinion.span import Span, spanned
from app.detection.second_opinion.splitting import halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.reference_set.opinion import Opinion
    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Images

LAID = 8  # references that an image's residue is laid over
COMPONENTS = 100  # of clean images, at most
AXES_SHARE = 0.5  # of the images that the span is made of, at most
CARRYING = 0.9  # how often a trigger carries


@dataclass(frozen=True, eq=False)
class Lens:
    """The references, and what was measured on them."""

    references: References
    opinion: Opinion

    @cached_property
    def span(self) -> Span:
        """What clean images are made of."""
        return learnt_span(self.references.images, self.references.seed)

    @property
    def measured(self) -> int:
        """On how many clean images."""
        return len(self.opinion.sums)

    def prepare(self) -> None:
        """Work out now what the first image would have to wait for."""
        _ = self.span

    def drawn(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return references to lay an image's residue over."""
        onto = self.opinion.onto
        return rng.choice(onto, min(LAID, len(onto)), replace=False)

    def probes(self, image: Image, onto: NDArray[np.int64]) -> Images:
        """Return the references *onto* with the residue of *image* laid over each."""
        return laid(self.span.residue(image), self.references.images[onto])

    def rarity(self, label: int, answers: Answers, onto: NDArray[np.int64]) -> float:
        """Return the share of clean images that are at least as suspicious, 0 to 1.

        Of an image called *label*, after the *answers* to its probes on the references *onto*. It
        is the larger of two: among n references that were measured, at least 1 / (n + 1); and what
        the sum itself allows, which doesn't lean on callers' images being just like references.
        """
        opinion = self.opinion
        total = weight(label, answers, self.references.labels[onto], opinion.rates)
        among_them = (1 + int((opinion.sums >= total).sum())) / (self.measured + 1)
        return max(among_them, math.exp(-max(total, 0.0)))


def least_measured(rate: float) -> int:
    """Return on how many clean images it takes to be measured for anything to be that rare."""
    return math.ceil(1 / rate - 1e-9) - 1


def lens_of(references: References) -> Lens | None:
    """Return the lens that was measured on *references*, if any was."""
    opinion = references.calibration.opinion
    return None if opinion is None else Lens(references, opinion)


def learnt_span(images: Images, seed: int) -> Span:
    """Return the span of one half of the references: the other half is measured with it."""
    learnt = images[halves(images, seed)[0]]
    return spanned(learnt, min(COMPONENTS, int(AXES_SHARE * len(learnt))))


def laid(residue: NDArray[np.float32], references: Images) -> Images:
    """Return *references* (n, h, w, c) with *residue* (h, w, c) laid over each."""
    sums = references + residue
    images: Images = np.clip(np.rint(sums), 0, 255).astype(np.uint8)
    return images


def weight(
    label: int, answers: Answers, of: NDArray[np.int64], rates: NDArray[np.float32]
) -> float:
    """Return how much speaks for a trigger in an image called *label*.

    The *answers* are to its residue on references of the classes *of*: one of its own class says
    nothing. Classes whose residues carry by nature count less.
    """
    telling = of != label
    hits = int((answers.labels[telling] == label).sum())
    misses = int(telling.sum()) - hits
    rate = rate_of(label, rates)
    carrying = max(CARRYING, (1 + rate) / 2)
    return hits * float(np.log(carrying / rate)) + misses * float(
        np.log((1 - carrying) / (1 - rate))
    )


def rate_of(label: int, rates: NDArray[np.float32]) -> float:
    """Return how often residues of the class *label* carry; of an unknown one, the most of any."""
    its = rates[rates[:, 0] == label, 1]
    return float(its[0] if len(its) else rates[:, 1].max())
