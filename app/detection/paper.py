"""NEO's own algorithms, by the book: the strategy `paper` (Udeshi et al., section IV).

They are here to be compared with, on the same stream in the same run, and because people will look
for them. Algorithm 1 is `screen`, Algorithm 2 `_pasted`, Algorithm 3 `_positions` and
`_transitions`. Positions are random, the blocker has one size and the dominant colour; the first
position that is confirmed is kept, and the search ends for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.colours import dominant_colour
from app.detection.defence import Finding, Verdict
from app.detection.geometry import Box
from app.detection.images import transplant_pieces
from app.detection.origins import WHOLE, beside, within
from app.detection.recognising.presence import fits
from app.detection.search import Answers, Probe, Purpose, Refused
from app.detection.trigger import Blocker, Evidence, Fill, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

ONE_HOT = 2.0  # the L1 distance of two different labels as one-hot vectors
ROUNDING = 0.01  # by which scores that are probabilities may miss a sum of 1


@dataclass(frozen=True)
class Parameters:
    """The paper's parameters.

    ``lambda_t`` is Λ_T, the share of the check set that must turn; ``delta_t`` Δ_T, the L1 distance
    of two answers that makes a transition; ``positions`` N; ``check_size`` k; ``size`` the side of
    the blocker as a share of the image's shorter side (0.316 is a tenth of the area).
    """

    lambda_t: float = 0.75
    delta_t: float = 1.0
    positions: int = 400
    check_size: int = 24
    size: float = 0.316


def screen(
    image: Image,
    references: References,
    known: Sequence[Known],
    parameters: Parameters,
    draw: int,
) -> Search[Finding]:
    """Algorithm 1 for one image (h, w, c) of the stream. Refused at any yield, it is UNDECIDED.

    All its chance is made from *draw*, which repeats a discovery.
    """
    said: Answers | None = None
    rng = np.random.default_rng(draw)
    known = [one for one in known if fits(image, one.trigger)]
    try:
        positions = (
            [one.trigger.blocker.box for one in known]
            if known  # ftr: a trigger has been found, so only its position is blocked
            else _positions(image, parameters, rng)
        )
        blocked = _blocked(image, positions)
        origins = [WHOLE, *(beside([position]) for position in positions)]
        answers = yield Probe(np.concatenate([image[None], blocked]), origins=origins)
        said, probes = answers[0:1], len(answers)
        for i in _transitions(answers, parameters.delta_t):
            healed = answers[i + 1 : i + 2]
            suspect = _Suspect(positions[i], int(said.labels[0]), int(healed.labels[0]))
            hits = yield from _pasted(image, suspect, references, parameters, rng)
            probes += len(hits)
            if not len(hits) or hits.mean() <= parameters.lambda_t:
                continue
            if known:
                return Finding(Verdict.KNOWN, said, healed, known=known[i])
            evidence = Evidence(int(hits.sum()), len(hits), 0.0, 0.0, probes, draw)
            found = _trigger(image, suspect, evidence)
            return Finding(Verdict.DISCOVERED, said, healed, trigger=found)
    except Refused:
        return Finding(Verdict.UNDECIDED, said, said, exposed=True)
    return Finding(Verdict.CLEAR, said, said)


def _positions(image: Image, parameters: Parameters, rng: np.random.Generator) -> list[Box]:
    """Algorithm 3: N random places for a blocker of the given size."""
    height, width, _ = image.shape
    side = max(1, round(parameters.size * min(height, width)))
    xs = rng.integers(0, width - side + 1, parameters.positions)
    ys = rng.integers(0, height - side + 1, parameters.positions)
    return [Box(int(x), int(y), side, side) for x, y in zip(xs, ys, strict=True)]


def _blocked(image: Image, positions: Sequence[Box]) -> Images:
    colour = dominant_colour(image)  # once: it is the same for every position
    blocked = np.repeat(image[None], len(positions), axis=0)
    for copy, box in zip(blocked, positions, strict=True):
        copy[box.rows, box.columns] = colour
    return blocked


def _transitions(answers: Answers, delta_t: float) -> list[int]:
    """Definition 2: the blocked images whose answer is further than Δ_T from the image's own.

    One whose label stays is left out: Algorithm 2 needs another class B to confirm on.
    """
    own, blocked = answers.labels[0], answers.labels[1:]
    distances = np.where(blocked != own, ONE_HOT, 0.0)
    if answers.scores is not None:
        probabilities = _probabilities(answers.scores)
        distances = np.abs(probabilities[1:] - probabilities[0]).sum(axis=1)
    return [int(i) for i in np.flatnonzero((distances > delta_t) & (blocked != own))]


def _probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return *scores* (n, classes) as they are, or logits by the softmax: for the distance only."""
    if (scores >= 0).all() and (np.abs(scores.sum(axis=1) - 1) < ROUNDING).all():
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return softmax


@dataclass(frozen=True)
class _Suspect:
    """A transition: blocked at ``position``, the image is no longer class ``a`` but class ``b``."""

    position: Box
    a: int
    b: int


def _pasted(
    image: Image,
    suspect: _Suspect,
    references: References,
    parameters: Parameters,
    rng: np.random.Generator,
) -> Search[NDArray[np.bool_]]:
    """Algorithm 2: paste the region on k images of class B; say of each if it becomes A.

    It is confirmed if more than Λ_T of them do. None are asked where the references have no B.
    """
    check_set = references.of_class(suspect.b, rng)[: parameters.check_size]
    if not len(check_set):
        return np.zeros(0, bool)
    pasted = transplant_pieces(image, [suspect.position], references.images[check_set])
    origins = [within([suspect.position])] * len(pasted)
    answers = yield Probe(pasted, purpose=Purpose.CONFIRM, origins=origins)
    hits: NDArray[np.bool_] = answers.labels == suspect.a
    return hits


def _trigger(image: Image, suspect: _Suspect, evidence: Evidence) -> Trigger:
    """Return the reconstructed trigger: the region."""
    position, (height, width, _) = suspect.position, image.shape
    return Trigger(
        target=suspect.a,
        source=None,
        box=position,
        patch=image[position.rows, position.columns].copy(),
        mask=None,
        blocker=Blocker(position, Fill.DOMINANT),
        natural=0.0,
        image_height=height,
        image_width=width,
        evidence=evidence,
    )
