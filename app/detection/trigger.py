"""A trigger, as the core found it, and the evidence for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box


class Fill(enum.StrEnum):
    """What a blocker is filled with."""

    DOMINANT = "dominant"
    """The image's dominant colour: the largest of k = 3 clusters (NEO, section IV)."""
    RING = "ring"
    """The median of the pixels around the box."""
    INPAINT = "inpaint"
    """The surroundings continued into the box."""
    REFERENCES = "references"
    """The mean of some references there: the one fill that no caller has a hand in."""


@dataclass(frozen=True)
class Blocker:
    """The patch that hides a trigger: where it lies and what it is filled with."""

    box: Box
    fill: Fill


class Kind(enum.StrEnum):
    """How a trigger lies in an image."""

    PATCH = "patch"
    """At a place."""
    BLENDED = "blended"
    """Mixed into all of it."""


class Sign(enum.StrEnum):
    """What a term of the sum of evidence is about."""

    CARRYING = "carrying"
    """How many transplants carried, beside how often nature does."""
    NATURE = "nature"
    """How seldom clean images carry there, and how new the pixels are beside theirs."""
    BLOCKING = "blocking"
    """What the image is while the place is hidden."""
    PIXELS = "pixels"
    """How much more alike the known trigger's the pixels are than clean images' best place."""
    STREAM = "stream"
    """How much more alike several images are there than clean images of a class are."""


@dataclass(frozen=True)
class Term:
    """One term of the sum: the logarithm of how much likelier a trigger makes what was seen.

    ``seen`` says in words what it was measured on.
    """

    sign: Sign
    weight: float
    seen: str


@dataclass(frozen=True)
class Evidence:
    """Why the core calls something a trigger.

    ``carried`` of ``transplants`` pasted on references of other classes answered the target
    (their share is the carry rate); clean images of the target class do so at the rate ``placebo``
    with the same box. Of the synthetic poisoned images, blocking gave the share ``heal_rate`` their
    known right answer back. ``class_b`` is what the image is without the trigger (NEO, Algorithm
    2), ``necessary`` that it isn't the target then. ``novelty`` is how far the trigger is from what
    clean images show there, in units of what is usual among them. The last three are None or false
    where that wasn't asked. ``probes`` counts the images that the discovery asked for, those whose
    answers are kept for all left out. ``seed`` is the draw that repeats it, and nobody's secret; 0
    where it isn't known any more. ``terms`` are those of the sum of evidence; none where an older
    release or the paper's algorithm found it. ``assumed``: there are too few references of the
    target, and ``placebo`` is taken from what those of other classes carry of their own.
    """

    carried: int
    transplants: int
    placebo: float
    heal_rate: float
    probes: int
    seed: int
    class_b: int | None = None
    necessary: bool = False
    novelty: float | None = None
    terms: tuple[Term, ...] = ()
    assumed: bool = False

    @property
    def carry_rate(self) -> float:
        """Share of the transplants that answered the target (NEO: transition_count / check_set)."""
        return self.carried / self.transplants


@dataclass(frozen=True, eq=False)
class Trigger:
    """A patch that makes the classifier answer ``target``.

    ``source`` is a class whose images it acts on, where it doesn't act alike on every class: it may
    then have other targets too. ``pieces`` are the boxes that it consists of, all inside ``box``,
    where it is more than one. ``moves``: it has been seen at another place than ``box``, so it is
    looked for everywhere. ``patch`` is (box.height, box.width, channels) uint8: the pixels in
    the box, and ``mask`` (box.height, box.width) bool says which of them are the trigger's own;
    before three hits have been seen it is None (`docs/detection.md` 3.8). ``outline`` is the same
    by the one image it was found in, where that can be told (3.6).
    ``natural`` is how often the same place of clean images of the target class carries the target
    too: 0.3 or more asks for the pixels as well (`docs/detection.md` 3.9). ``alpha`` is the share
    by which ``patch`` is mixed into the box, which is all of the image (9.3) or a place (3.13);
    None of a patch that hides what is there.
    """

    target: int
    source: int | None
    box: Box
    patch: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    blocker: Blocker
    natural: float
    image_height: int
    image_width: int
    evidence: Evidence
    pieces: tuple[Box, ...] = ()
    moves: bool = False
    outline: NDArray[np.bool_] | None = None
    alpha: float | None = None

    @property
    def kind(self) -> Kind:
        """What sort of trigger it is."""
        return Kind.PATCH if self.alpha is None else Kind.BLENDED

    @property
    def is_whole(self) -> bool:
        """Say if its box is all of the image."""
        return (self.box.width, self.box.height) == (self.image_width, self.image_height)

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which of the box's pixels (box.height, box.width) are the trigger's, as far as is known.

        All of them where nothing is.
        """
        for known in (self.mask, self.outline):
            if known is not None:
                return known
        return np.ones(self.patch.shape[:2], bool)

    def may_answer(self, label: int) -> bool:
        """Say if an image that carries it may be called *label*."""
        return self.source is not None or self.target == label
