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

LAID = 7  # references that an image's residue is laid over, in its first round
FURTHER = 16  # more of them, where what these answer is likelier with a trigger than without
GAIN = 2.0  # times that a residue is made stronger: what is faint carries seldom
COMPONENTS = 150  # of clean images, at most
AXES_VALUES = 2**23  # that they are made of together, at most: 32 MiB in each worker
AXES_SHARE = 0.5  # of the images that the span is made of, at most
CARRYING = 0.9  # how often a trigger carries
LEAST_CARRYING = 0.65  # how often at least, whatever the sum is
SURE = 1.28  # standard deviations that the rate of false alarms is taken higher: nine in ten times
ODD = 1  # references with as large a sum that aren't taken for more than they are
MARGIN = 10.0  # times that a sum has to say more: the answers to one image's probes hang together


@dataclass(frozen=True, eq=False)
class Lens:
    """The references, and what was measured on them."""

    references: References
    opinion: Opinion

    @cached_property
    def span(self) -> Span:
        """What clean images are made of."""
        return span_of(self.references)

    @property
    def measured(self) -> int:
        """On how many clean images."""
        return len(self.opinion.sums)

    @property
    def carrying(self) -> float:
        """How often what is left of clean images carries their class, in the mean of classes."""
        return float(self.opinion.rates[:, 1].mean())

    def prepare(self) -> None:
        """Work out now what the first image would have to wait for."""
        _ = self.span

    def drawn(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return references to lay an image's residue over: the first few, then the others."""
        return drawn(self.opinion.onto, rng)

    def probes(self, image: Image, onto: NDArray[np.int64]) -> Images:
        """Return the references *onto* with the residue of *image* laid over each."""
        return laid(self.span.residue(image), self.references.images[onto])

    def counted(self, label: int, answers: Answers, onto: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the *answers* to probes on the references *onto* are the *label*.

        And how many could be (2,): a reference of the image's own class says nothing.
        """
        return counted(label, answers.labels, self.references.labels[onto])

    def weight(self, label: int, counts: NDArray[np.int64]) -> float:
        """Return how much speaks for a trigger in an image called *label*, by its *counts*."""
        return weight(label, counts, self.opinion.rates)

    def rarity(self, label: int, counts: NDArray[np.int64]) -> float:
        """Return the share of clean images that are as suspicious as that, 0 to 1.

        It is the larger of two: how many of the references that were measured are, with a margin;
        and what the sum itself allows, which doesn't lean on callers' images being just like them.
        """
        total = self.weight(label, counts)
        as_much = int((self.opinion.sums >= total).sum())
        return max(at_most(as_much, self.measured), min(MARGIN * math.exp(-max(total, 0.0)), 1.0))


def drawn(onto: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return some of *onto* by chance, each once: as many as one image's residue is laid over."""
    return rng.permutation(onto)[: LAID + FURTHER]


def least_measured(rate: float) -> int:
    """Return on how many clean images it takes to be measured for anything to be that rare."""
    return math.ceil(1 / rate - 1e-9) - 1


def at_most(hits: int, of: int) -> float:
    """Return the share that *hits* of so many show at most: Wilson's bound, from one side.

    With none or a single hit it is the mean of all that may be, (hits + 1) / (n + 1). Without any
    the bound would ask for half as many references again before anything could be called rare; and
    one odd reference of 250 would put the line of 1 % above what most poisoned images show.
    """
    if hits <= ODD:
        return (hits + 1) / (of + 1)
    square = SURE**2
    spread = SURE * math.sqrt(hits * (of - hits) / of + square / 4)
    return min((hits + square / 2 + spread) / (of + square), 1.0)


def lens_of(references: References) -> Lens | None:
    """Return the lens that was measured on *references*, if any was."""
    opinion = references.calibration.opinion
    return None if opinion is None else Lens(references, opinion)


def learnt_span(images: Images, seed: int) -> Span:
    """Return the span of one half of the references: the other half is measured with it."""
    learnt = images[halves(images, seed)[0]]
    room = max(AXES_VALUES // images[0].size, 1)
    return spanned(learnt, min(COMPONENTS, int(AXES_SHARE * len(learnt)), room))


def span_of(references: References) -> Span:
    """Return the span of *references*, worked out once for all that are the same images."""
    kept = references.spans
    if references.seed not in kept:
        kept[references.seed] = learnt_span(references.images, references.seed)
    span: Span = kept[references.seed]
    return span


def laid(residue: NDArray[np.float32], references: Images) -> Images:
    """Return *references* (n, h, w, c) with *residue* (h, w, c) laid over each, made stronger."""
    sums = references + GAIN * residue
    images: Images = np.clip(np.rint(sums), 0, 255).astype(np.uint8)
    return images


def counted(label: int, said: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often *label* was *said* of references of the other classes *of*, of how often."""
    telling = of != label
    return np.array([(said[telling] == label).sum(), telling.sum()], np.int64)


def weight(label: int, counts: NDArray[np.int64], rates: NDArray[np.float32]) -> float:
    """Return how much speaks for a trigger in an image called *label*, by its *counts*.

    Classes whose residues carry by nature count less; and what doesn't carry as often as a trigger
    does is none, however seldom its class carries.
    """
    hits, told = int(counts[0]), int(counts[1])
    rate = rate_of(label, rates)
    carrying = max(CARRYING, (1 + rate) / 2)
    for_it, against = math.log(carrying / rate), math.log((1 - carrying) / (1 - rate))
    total = hits * for_it + (told - hits) * against
    return total if hits >= LEAST_CARRYING * told else min(total, 0.0)


def rate_of(label: int, rates: NDArray[np.float32]) -> float:
    """Return how often residues of the class *label* carry; of an unknown one, the most of any."""
    its = rates[rates[:, 0] == label, 1]
    return float(its[0] if len(its) else rates[:, 1].max())
