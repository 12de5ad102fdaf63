"""The reference set: clean images by the model's own label, and what was measured on them once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from app.detection.images import transplant, transplant_pieces
from app.detection.origins import within
from app.detection.reference_set.other_classes import rate_of_other_classes
from app.detection.search import Probe, Purpose, probe_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.matching import Likeness
    from app.detection.reference_set.opinion import Opinion
    from app.detection.search import Image, Images, Search

PLACEBO_SIZES = (8, 16)
"""Transplants that one placebo rate is measured on: first a few, which may be enough."""

THOROUGH_SIZES = (36,)
"""The same where a decision hangs on it."""

OFTEN = 0.6
"""Share of the first few that need no more: nothing is confirmed where nature carries so often.

Nor do they where none carries: the rate is below the least that a null hypothesis takes for it."""

FEWEST = 5
"""References of a class without which nothing is decided on it alone: too few to tell what is usual
in it (`novelty`), and too few transplants for a test."""

LEADING = 3
"""References of one class that the first round of probes draws from."""

THOROUGH = ":thorough"
"""Marks a question that was asked on more transplants."""

FOREIGN = ":foreign"
"""Marks the question about third classes among those that are remembered."""

FEW = ":few"
"""Marks one about a class with too few references, whose rate others' are taken for."""

ANY = ":any"
"""Marks the question about what all classes carry of their own."""

AVERAGED = 64
"""References whose mean is the backdrop."""

UNKNOWN_RATE = 0.1
"""The rate of third classes where the references hold none: not one by which a place is open."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is measured once for a model and a reference set, and shared by all workers.

    ``labels`` (n,) int64 is what the model says of each reference. ``robust`` holds the indices
    (bands, m) int64 of references in their order of use for each band of the plan: those that
    pasted natural content turns least come first (`docs/detection.md` 3.3). The first up to three
    are of one class, the same for all rows, and of another for all columns: an image's own class
    says nothing, but of a first round one kind of band then says something of every image.
    ``canary_scores`` (m, classes) float32 are those of some references, by
    which another model is told (`canaries`); None from a classifier without scores.
    """

    labels: NDArray[np.int64]
    robust: NDArray[np.int64]
    canary_scores: NDArray[np.float32] | None = None
    opinion: Opinion | None = None
    """For a second opinion, where there is to be one."""

    def fits(self, count: int, bands: int) -> bool:
        """Tell if it may be one of *count* references for so many *bands*: it may be damaged."""
        labels, robust = self.labels, self.robust
        if labels.shape != (count,) or robust.ndim != 2 or len(robust) != bands:  # noqa: PLR2004
            return False
        if (bands and not robust.size) or not (self.opinion is None or self.opinion.fits(count)):
            return False
        inside = robust.size == 0 or (robust.min() >= 0 and robust.max() < count)
        return bool(inside and labels.min() >= 0 and labels.max() <= np.iinfo(np.int32).max)


@dataclass(frozen=True, eq=False)
class References:
    """Clean images (n, h, w, c), their calibration, and the placebo rates learnt so far.

    The rates are a cache: equal questions have equal answers in every worker, since the draw
    behind each comes from ``seed`` and the question alone.
    """

    images: Images
    calibration: Calibration
    placebo_rates: MutableMapping[str, float]
    seed: int
    usual_distances: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """Of the references of a class from each other, at every place (`novelty`); another cache."""
    usual_sightings: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """How well a trigger's pixels fit clean images (`sighting`); as long as it is known."""
    usual_strewn: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """The same for each way of looking for it everywhere (`strewn`)."""
    usual_at_home: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """The same just at its usual place."""
    usual_in_own_size: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """The same of the best place about it, or anywhere of one that moves, in its own size."""
    usual_blends: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """How much of a picture that is mixed into images clean ones show (`blended`)."""
    usually_new: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """How unlike one another clean images are about there (`strange`)."""
    usual_edges: MutableMapping[Likeness, Any] = field(default_factory=WeakKeyDictionary)
    """How sharply a trigger's pixels end in clean images (`sharp`)."""
    usual_agreements: dict[Any, Any] = field(default_factory=dict)
    """How much clean images of a class have in common at a place (`agreement`)."""
    usual_fits: MutableMapping[Any, Any] = field(default_factory=WeakKeyDictionary)
    """How well a suspect's pixels fit clean images; as long as it is kept."""
    usual_grounds: dict[Any, Any] = field(default_factory=dict)
    """What places are made of in clean images (`grounds`)."""
    spans: dict[int, Any] = field(default_factory=dict)
    """What they are made of, by the seed (`span`): a second and more of a thousand photographs."""
    usually_alike: dict[str, Any] = field(default_factory=dict)
    """How much of one picture others show as well (`lockout`)."""
    least_alike: dict[str, float] = field(default_factory=dict)
    """How much of a flagged picture, by its id, must be shown to be told by it."""
    usually_apart: dict[Any, float] = field(default_factory=dict)
    """How far apart clean images of a class are, as sketches."""
    middles: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """What clean images of a class show, pixel by pixel the middle of them (`agreement`)."""
    shrunken: dict[int, Images] = field(default_factory=dict)
    """All images, smaller by so many pixels a side; another."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """What the model says of each reference (n,)."""
        return self.calibration.labels

    @cached_property
    def backdrop(self) -> Image:
        """The mean of some references: what to hide a place with, so that no caller chooses it.

        Fills that are made of a place's surroundings can be painted by an attacker so that they
        rebuild the trigger (`docs/detection.md` 3.7).
        """
        rng = np.random.default_rng(self.seed)
        some = self.images[rng.permutation(len(self.images))[:AVERAGED]]
        mean: Image = np.rint(some.mean(axis=0, dtype=np.float32)).astype(np.uint8)
        return mean

    def apart(self, rates: MutableMapping[str, float]) -> References:
        """Return the same references with placebo *rates* of their own; all other caches stay."""
        own = replace(self, placebo_rates=rates)
        vars(own)["backdrop"] = self.backdrop  # computed of the images once
        return own

    @property
    def missing(self) -> dict[int, int]:
        """How many references more each class would take that has fewer than `FEWEST`.

        What acts on such a class only isn't looked for. Of a class that no reference shows nothing
        is known, not even that it exists.
        """
        classes, counts = np.unique(self.labels, return_counts=True)
        return {
            int(label): FEWEST - int(count)
            for label, count in zip(classes, counts, strict=True)
            if count < FEWEST
        }

    def are_enough(self, label: int) -> bool:
        """Say if there are enough of class *label* to decide what acts on it alone."""
        return self.count(label) >= FEWEST

    def count(self, label: int) -> int:
        """Return how many there are of class *label*."""
        return int((self.labels == label).sum())

    @cached_property
    def show_a_class(self) -> bool:
        """Whether there are enough of any class: else what acts on one alone is never found."""
        _, counts = np.unique(self.labels, return_counts=True)  # of names a label is up to 2**31
        return bool(counts.max() >= FEWEST)

    def robust(self, band: int, label: int | None) -> Iterator[int]:
        """Yield the references for a band, most robust first, none that is itself *label*.

        After the ranked ones come all others, so that there is one for every label.
        """
        ranked = self.calibration.robust[band]
        yield from (int(i) for i in ranked if self.labels[i] != label)
        unranked = np.setdiff1d(np.flatnonzero(self.labels != label), ranked)
        yield from (int(i) for i in np.random.default_rng(self.seed).permutation(unranked))

    def leading(self, band: int, rng: np.random.Generator) -> int:
        """Return one of the first references for a band, by chance.

        By chance, since one of them may resist a trigger: it mustn't do so for every image.
        """
        ranked = self.calibration.robust[band]
        of_first_class = ranked[self.labels[ranked] == self.labels[ranked[0]]][:LEADING]
        return int(rng.choice(of_first_class))

    def known_placebo_rate(
        self, pieces: Sequence[Box], label: int, source: int | None, otherwise: float
    ) -> float:
        """Return a rate that `placebo_rate` or `surer_rate` has measured, or *otherwise*."""
        question = _question_of_its_own(pieces, label, source, self)
        first, again = (self.placebo_rates.get(question + more) for more in ("", THOROUGH))
        if first is None:
            return otherwise
        return first if again is None else _of_both(first, again)

    def is_known(self, pieces: Sequence[Box], label: int, source: int | None) -> bool:
        """Say if `known_placebo_rate` has one."""
        return _question_of_its_own(pieces, label, source, self) in self.placebo_rates

    def known_foreign_rate(
        self, pieces: Sequence[Box], label: int, source: int | None, otherwise: float
    ) -> float:
        """Return a rate that `foreign_rate` has measured, or *otherwise*."""
        return self.placebo_rates.get(_question(pieces, label, source) + FOREIGN, otherwise)

    def others(self, label: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the references that are not *label*, in random order."""
        return rng.permutation(np.flatnonzero(self.labels != label))

    def acted_on(
        self, label: int, source: int | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return references that a trigger would turn to *label*, in random order.

        Those of the class *source* that it acts on; where that is None, of every other class.
        """
        return self.others(label, rng) if source is None else self.of_class(source, rng)

    def of_class(self, label: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the references that are *label*, in random order."""
        return rng.permutation(np.flatnonzero(self.labels == label))


def carries(
    image: Image,
    label: int,
    boxes: Sequence[Box],
    onto: Sequence[int] | NDArray[np.int64],
    references: References,
) -> Search[NDArray[np.bool_]]:
    """Transplant the i-th box onto the i-th reference; say of each (n,) if it answers *label*."""
    pasted = transplant(image, boxes, references.images[np.asarray(onto, np.int64)])
    answers = yield Probe(pasted, origins=[within([box]) for box in boxes])
    hits: NDArray[np.bool_] = answers.labels == label
    return hits


def placebo_rate(  # noqa: PLR0913  # the question, and how it is asked
    pieces: Sequence[Box],
    label: int,
    source: int | None,
    references: References,
    sizes: Sequence[int] = PLACEBO_SIZES,
    *,
    at_once: bool = False,
) -> Search[float]:
    """How often the same *pieces* of clean images of class *label* carry it to other classes.

    To images of the class *source* alone, if there is one. This is what nature does at this place:
    the null hypothesis for a transplant (`docs/detection.md` 3.5). Measured once, then known; on
    *sizes* of transplants, one after the other while they leave a doubt, or all *at_once*. Where
    there are too few images of the class it is no less than what those of other classes carry.
    """
    donors = references.labels == label
    question = _question_of_its_own(pieces, label, source, references)
    question += THOROUGH if sizes is THOROUGH_SIZES else ""
    if references.are_enough(label) or question in references.placebo_rates:
        asking = _remembered(
            question, donors, pieces, label, source, references, sizes, at_once=at_once
        )
        return (yield from asking)
    rate = yield from _rate_of_other_classes(pieces, source, references)
    if donors.any():
        own = question.replace(FEW, "")
        few = _remembered(own, donors, pieces, label, source, references, sizes)
        rate = max(rate, (yield from few))
    references.placebo_rates[question] = rate
    return rate


def _rate_of_other_classes(
    pieces: Sequence[Box], source: int | None, references: References
) -> Search[float]:
    """Return what clean images of any class carry of their own there: measured once for all."""
    question = places_asked(pieces) + ANY + ("" if source is None else f":{source}")
    if question not in references.placebo_rates:
        rng = np.random.default_rng([references.seed, zlib.crc32(question.encode())])
        labels = references.labels
        onto = np.arange(len(labels)) if source is None else np.flatnonzero(labels == source)
        measuring = rate_of_other_classes(pieces, references.images, labels, onto, rng)
        references.placebo_rates[question] = yield from measuring
    return references.placebo_rates[question]


def surer_rate(
    pieces: Sequence[Box], label: int, source: int | None, references: References
) -> Search[float]:
    """Measure the placebo rate again, on more; return it of both, as it is known from now on."""
    first = yield from placebo_rate(pieces, label, source, references)
    again = yield from placebo_rate(pieces, label, source, references, THOROUGH_SIZES)
    return _of_both(first, again)


def _of_both(first: float, again: float) -> float:
    few, many = sum(PLACEBO_SIZES), sum(THOROUGH_SIZES)
    return (few * first + many * again) / (few + many)


def foreign_rate(
    pieces: Sequence[Box], label: int, source: int | None, references: References
) -> Search[float]:
    """How often the same *pieces* of clean images of third classes make others answer *label*.

    Nature hardly ever does: a part of a cat doesn't make a dog a bird. A backdoor that was learnt
    from few images is over-general: whatever hides the place opens it (`docs/detection.md` 4.3). Of
    clean models up to 0.12 was measured, at the place of such a backdoor 0.4 to 0.85.
    """
    donors = ~np.isin(references.labels, [label] if source is None else [label, source])
    question = _question(pieces, label, source) + FOREIGN
    sizes = PLACEBO_SIZES
    return (yield from _remembered(question, donors, pieces, label, source, references, sizes))


def _question(pieces: Sequence[Box], label: int, source: int | None) -> str:
    question = f"{places_asked(pieces)}:{label}"
    return question if source is None else f"{question}:{source}"


def _question_of_its_own(
    pieces: Sequence[Box], label: int, source: int | None, references: References
) -> str:
    """Return the question about the class *label* itself: marked where others answer for it."""
    return _question(pieces, label, source) + ("" if references.are_enough(label) else FEW)


def places_asked(pieces: Sequence[Box]) -> str:
    """Return the name of a place among the questions that are remembered."""
    return "+".join(f"{box.x},{box.y},{box.width},{box.height}" for box in pieces)


def _remembered(  # noqa: PLR0913, PLR0917  # a question is made of all these
    question: str,
    donors: NDArray[np.bool_],
    pieces: Sequence[Box],
    label: int,
    source: int | None,
    references: References,
    sizes: Sequence[int],
    *,
    at_once: bool = False,
) -> Search[float]:
    if question not in references.placebo_rates:
        rng = np.random.default_rng([references.seed, zlib.crc32(question.encode())])
        drawn = rng.permutation(np.flatnonzero(donors))
        onto = references.acted_on(label, source, rng)
        asking = _measured(pieces, label, drawn, onto, references, rng, sizes, at_once=at_once)
        rate = yield from asking
        references.placebo_rates[question] = rate
    return references.placebo_rates[question]


def _measured(  # noqa: PLR0913, PLR0917  # as above
    pieces: Sequence[Box],
    label: int,
    donors: NDArray[np.int64],
    onto: NDArray[np.int64],
    references: References,
    rng: np.random.Generator,
    sizes: Sequence[int],
    *,
    at_once: bool,
) -> Search[float]:
    if not len(donors) or not len(onto):
        return UNKNOWN_RATE
    drawn = [np.stack([rng.choice(donors, n), rng.choice(onto, n)], axis=1) for n in sizes]
    turned = np.zeros(0, np.bool_)
    for pairs in [np.concatenate(drawn)] if at_once else drawn:
        pasted = [
            transplant_pieces(references.images[donor], pieces, references.images[[reference]])
            for donor, reference in pairs
        ]
        answers = yield probe_for_all(np.concatenate(pasted), Purpose.CONFIRM)
        turned = np.concatenate([turned, answers.labels == label])
        if _tells_enough(turned):
            break
    few = turned[: sizes[0]]
    turned = few if _tells_enough(few) else turned  # the same, whether all were asked at once
    return (int(turned.sum()) + 0.5) / (len(turned) + 1)


def _tells_enough(turned: NDArray[np.bool_]) -> bool:
    """Say if the first few that were asked (n,) tell the rate: none turned, or most did."""
    return not turned.any() or bool(turned.mean() >= OFTEN)
