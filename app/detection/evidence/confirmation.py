"""Is it a trigger? A sequential test of the transplant against what nature does there."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.novelty import LEAST_FOR_SURE, novelties
from app.detection.evidence.weighing import is_needed
from app.detection.images import WAYS, hidden, transplant_pieces
from app.detection.origins import beside, within
from app.detection.reference_set.references import foreign_rate, placebo_rate, surer_rate
from app.detection.search import Probe, Purpose, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Search

ALPHA = 1e-5  # of one test; an image may see 10 to 30 of them
BETA = 0.01
NATURE_AT_LEAST = 0.15  # p0 is never below: a placebo on 24 images can't see less
ABOVE_PLACEBO = 0.1
TRIGGER_AT_LEAST, TRIGGER_AT_MOST, TRIGGER_ABOVE_NATURE = 0.8, 0.97, 0.25
DOUBTFUL = 0.2  # a placebo rate above which it is measured on more before anything is located
UNDECIDABLE = 0.4  # a placebo rate above which even 24 straight hits don't accept
USUAL = 0.9  # times what is usual in the class, of the newest part of a window
NEW = 1.75  # the same, from which on nature isn't waited for: clean photographs' 1.0 to 1.6
LARGE = 112  # pixels a side, from which on novelty tells so: clean signs of 48 show 1.2 to 5.5
VERY_NEW = 4.0  # times what is usual: stickers 4 to 9, clean images mostly 1 to 3
AT_LEAST = 0.15  # rate of third classes in a window from which on nature alone isn't what carries
LIKELY = 0.5  # share of the first transplants that must carry: of a trigger's nearly all do
TOGETHER = 4  # transplants asked in one round: few, since nature mostly fails early
AT_MOST = 24  # transplants of one test
AT_LEAST_IF_NEW = 0.6  # rate of what is very new: an attacker leaves just enough of a trigger
AT_MOST_IF_NEW = 36  # transplants of it


@dataclass(frozen=True)
class Transplants:
    """How many of the transplants carried, and the rate at which nature does there."""

    carried: int
    asked: int
    placebo: float


class _Decision(enum.Enum):
    ACCEPT = enum.auto()
    REJECT = enum.auto()
    GO_ON = enum.auto()


@dataclass(frozen=True)
class Look:
    """Pieces of an image that its label may hang on, and what their first transplants said.

    ``source`` is the class of the references that are asked, None for every other than the label.
    Not ``necessary``: the image keeps its label without them, as with several copies of a trigger;
    None while that isn't known, of one piece.
    """

    pieces: tuple[Box, ...]
    source: int | None
    carried: int = 0
    onto: tuple[int, ...] = ()
    necessary: bool | None = True

    @property
    def asked(self) -> int:
        """How many transplants there were."""
        return len(self.onto)


def first_look(
    image: Image,
    label: int,
    windows: Sequence[Box],
    references: References,
    rng: np.random.Generator,
) -> Search[list[Look]]:
    """Begin to transplant each window; return those that seem sufficient. One round for all.

    Whether the image needs them isn't known yet (`required`): most of nature's have ended here.
    """
    onto = references.others(label, rng)[:TOGETHER]
    if not windows:
        return []
    pasted = [transplant_pieces(image, [w], references.images[onto]) for w in windows]
    origins = [within([window]) for window in windows for _ in onto]
    answers = yield Probe(np.concatenate(pasted), purpose=Purpose.CONFIRM, origins=origins)
    carried = (answers.labels == label).reshape(len(windows), -1).sum(axis=1)
    looks = [
        Look((window,), None, int(hits), tuple(onto.tolist()), necessary=None)
        for window, hits in zip(windows, carried, strict=True)
    ]
    return [one for one in looks if one.carried >= LIKELY * one.asked]


def required(image: Image, label: int, look: Look, references: References) -> Search[Look | None]:
    """Hide the pieces of a first *look*, unless it is known what the image says without them.

    A trigger is necessary as well: hidden, the image answers something else. A clean image mostly
    keeps its label when one part of it is hidden; so what isn't needed, or by the backdrop alone,
    must have carried each time: else None.
    """
    if look.necessary is not None:
        return look
    (window,) = look.pieces
    without = hidden(image, window, references.backdrop)
    origins = [beside([window]) for _ in WAYS]
    answers = yield Probe(without, purpose=Purpose.CONFIRM, origins=origins)
    kept = answers.labels == label
    if kept[:-1].any() and look.carried < look.asked:
        return None
    return replace(look, necessary=is_needed(kept))


def worth_asking(
    image: Image, label: int, windows: Sequence[Box], references: References
) -> list[Box]:
    """Leave out what is nature's: what shows nothing new, and where nature carries too often.

    What holds such a window carries no less often, unless it shows something very new beside it.
    """
    if not windows:
        return []
    new = novelties(image, windows, label, references)
    natural = [w for w in windows if undecidable(image, label, Look((w,), None), references)]
    return [
        window
        for window, much in zip(windows, new, strict=True)
        if much > USUAL
        and window not in natural
        and (much > VERY_NEW or not any(one.is_in(window) for one in natural))
    ]


def confirm(
    image: Image, label: int, look: Look, references: References, rng: np.random.Generator
) -> Search[Transplants | None]:
    """Transplant on random references until it is sure that the pieces carry *label*, or not.

    Wald's sequential probability ratio test of p1 (a trigger) against p0 (nature), where p0 comes
    from the placebo rate of the pieces (`docs/detection.md` 3.5); it goes on from the first *look*.
    None if they are no trigger, or if transplants can't tell. Where nature carries too often it is
    no null hypothesis: then the pieces must be very new, and third classes must open the place too.
    """
    place = (look.pieces, label, look.source)
    drawn = references.acted_on(label, look.source, rng)
    onto = iter(drawn[~np.isin(drawn, look.onto)])  # those of the look would count twice
    carried, asked = look.carried, look.asked
    new = is_very_new(image, label, look, references)
    most = AT_MOST_IF_NEW if new else AT_MOST
    needed_and_new = look.necessary and is_new(image, label, look, references)

    def batch() -> list[int]:
        # Where it most likely is a trigger more at once save round trips.
        likely = carried == asked > 0 or needed_and_new
        return list(islice(onto, min(TOGETHER * (2 if likely else 1), most - asked)))

    if hurries(image, label, look, references):
        some = batch()
        measuring = placebo_rate(*place, references, at_once=True)
        first, hits = yield from together(
            [measuring, _turned(image, label, look.pieces, some, references)]
        )
        carried, asked = carried + hits, asked + len(some)
    else:
        first = yield from placebo_rate(*place, references)
    placebo = references.known_placebo_rate(*place, first)
    null = yield from _null(image, label, look, placebo, references)
    if null is None:
        return None
    is_sure = null <= DOUBTFUL
    while (decision := _decided(carried, asked, null, new=new)) is not _Decision.REJECT:
        if decision is _Decision.ACCEPT and is_sure:
            return Transplants(carried, asked, placebo)
        if decision is _Decision.ACCEPT:
            # What follows asks far more than it takes to know better what nature does there.
            placebo = yield from surer_rate(*place, references)
            null = yield from _null(image, label, look, placebo, references)
            if null is None:
                return None
            is_sure = True
            continue
        some = batch()
        if not some:
            return None
        carried += yield from _turned(image, label, look.pieces, some, references)
        asked += len(some)
    return None


def hurries(image: Image, label: int, look: Look, references: References) -> bool:
    """Say if what nature does there is asked at the same time as the rest, not before it.

    Where the rate isn't known yet, and where it is so likely a trigger that what is asked is seldom
    lost: it is new, and it has carried each time or the image needs it.
    """
    if references.is_known(look.pieces, label, look.source):
        return False
    likely = look.carried == look.asked > 0 or look.necessary is True
    return likely and is_new(image, label, look, references)


def _turned(
    image: Image, label: int, pieces: Sequence[Box], onto: Sequence[int], references: References
) -> Search[int]:
    """Transplant *pieces* on the references *onto*; return how many answer *label*."""
    if not onto:
        return 0
    pasted = transplant_pieces(image, pieces, references.images[list(onto)])
    origins = [within(pieces)] * len(pasted)
    answers = yield Probe(pasted, purpose=Purpose.CONFIRM, origins=origins)
    return int((answers.labels == label).sum())


def _null(
    image: Image, label: int, look: Look, placebo: float, references: References
) -> Search[float | None]:
    """Return the rate of the null hypothesis, None if there is none, by what nature does there.

    Where the place is one that anything opens nature's rate says nothing.
    """
    if placebo <= UNDECIDABLE:
        return placebo
    general = yield from is_over_general(image, label, look, references, AT_LEAST)
    return 0.0 if general else None


def is_over_general(
    image: Image, label: int, look: Look, references: References, at_least: float
) -> Search[bool]:
    """Say if the pieces are very new, and their place is one that most other content opens too.

    *at_least* is the rate of third classes (`foreign_rate`) from which on it is.
    """
    if not is_very_new(image, label, look, references):
        return False
    foreign = yield from foreign_rate(look.pieces, label, look.source, references)
    return foreign >= at_least


def undecidable(image: Image, label: int, look: Look, references: References) -> bool:
    """Say if nature is known to carry *label* there too often for transplants to tell anything."""
    place = (look.pieces, label, look.source)
    if references.known_placebo_rate(*place, 0.0) <= UNDECIDABLE:
        return False
    if references.known_foreign_rate(*place, 1.0) < AT_LEAST:
        return True
    return not is_very_new(image, label, look, references)


def is_new(image: Image, label: int, look: Look, references: References) -> bool:
    """Say if *image* shows something there that clean images of class *label* seldom do.

    Only what is asked at the same time hangs on it, never what is proven. Of small images it tells
    too little.
    """
    if min(image.shape[:2]) < LARGE:
        return False
    new = novelties(image, look.pieces, label, references)
    return bool((np.isfinite(new) & (new > NEW)).any())


def is_very_new(image: Image, label: int, look: Look, references: References) -> bool:
    """Say if *image* shows something there that is like no clean image of class *label*."""
    return bool(are_very_new(image, label, look.pieces, references).any())


def are_very_new(
    image: Image, label: int, boxes: Sequence[Box], references: References
) -> NDArray[np.bool_]:
    """Say it of each of *boxes* (n,). Not where too few images of the class tell what is usual."""
    new = novelties(image, boxes, label, references, LEAST_FOR_SURE)
    return np.isfinite(new) & (new > VERY_NEW)


def log_likelihood_ratio(
    carried: int, asked: int, natural: float, least: float = TRIGGER_AT_LEAST
) -> float:
    """How much more likely a trigger makes it that *carried* of *asked* transplants did.

    Than nature, which carries at the rate *natural*; a trigger does at the rate *least* or more.
    The natural logarithm.
    """
    p0 = max(NATURE_AT_LEAST, natural + ABOVE_PLACEBO)
    p1 = max(least, min(TRIGGER_AT_MOST, p0 + TRIGGER_ABOVE_NATURE))
    return carried * math.log(p1 / p0) + (asked - carried) * math.log((1 - p1) / (1 - p0))


@cache
def fewest_references() -> int:
    """Return how many references `confirm` takes at least: all carry, and nature never does."""
    return next(n for n in count(1) if _decision(n, n, 0.0) is _Decision.ACCEPT)


def _decided(carried: int, asked: int, placebo: float, *, new: bool) -> _Decision:
    """Decide; what is very *new* is one too if it carries less often than most triggers."""
    if new and _decision(carried, asked, placebo, AT_LEAST_IF_NEW) is _Decision.ACCEPT:
        return _Decision.ACCEPT
    return _decision(carried, asked, placebo)


def _decision(
    carried: int, asked: int, placebo: float, least: float = TRIGGER_AT_LEAST
) -> _Decision:
    """Hold the log likelihood ratio against Wald's two thresholds."""
    ratio = log_likelihood_ratio(carried, asked, placebo, least)
    if ratio >= math.log((1 - BETA) / ALPHA):
        return _Decision.ACCEPT
    if ratio <= math.log(BETA / (1 - ALPHA)):
        return _Decision.REJECT
    return _Decision.GO_ON
