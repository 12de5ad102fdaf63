"""Pictures like those of the same caller that were flagged too often, a moment ago (3.14).

Who sees the answers tries one alteration after the other, and of hundreds one gets past whatever
looks at each image by itself. But he needs the picture to stay what it was: so it is known by what
surrounds the alteration, and by the class that the model gives it again. Nothing is concluded from
that but that this class isn't told him: it is refused, as after too many wrong passwords.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.defence import Verdict
from app.detection.evidence.usual import Usual, usual
from app.detection.evidence.weighing import SURE, extreme
from app.detection.geometry import Box
from app.detection.suspect import size_of_sketch, sketched, suspect_in
from app.detection.suspects.resemblance import AGAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Finding
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images
    from app.detection.suspect import Kept, Suspect

SIDE = 24  # parts of a picture's side that are compared
SAME = 8.0  # levels by which a part may differ: other pictures of a class are nearly the same
TELLING = 24.0  # levels from what references show there, from which on a part tells a picture
BLOCKS = 8  # a side, each of some parts: strokes cross in parts, but seldom agree in a block
WHOLLY = 0.9  # of a block's parts that must be the same
TOLD = 0.2  # of them that must tell a picture, or it counts for nothing
LEAST_TOLD = 8  # blocks that must
MOVED = 4  # halves of a part by which a picture may have been moved, up and down and to each side
EDGE = 32.0  # levels, of four pixels together, that an edge counts by when it is told how far
ALIKE = 0.4  # of these, that must be the same: a frame of 0.4 of the side leaves more
COMPARED = 24  # references, each with each, that tell how alike pictures are
MOST_MEASURED = 1000  # pictures of which it is kept how many are like them; then the oldest goes


def with_picture(
    image: Image, finding: Finding, own: Sequence[Kept], references: References
) -> Finding:
    """Return *finding*, of a flagged *image*, with what is kept of it.

    Or with the name of the one of the caller's *own* that it is like. None is kept where the image
    is what the attacker wants without the trigger, too: it is honest whatever lies on it.
    """
    if finding.said is None:
        return finding
    label = int(finding.said.labels[0])
    answered = None if finding.sanitised is None else int(finding.sanitised.labels[0])
    if answered == label:
        return finding
    seen = _alike(image, label, own, references)
    if seen:
        return replace(finding, pictures_seen=(seen[0].id,))
    return replace(finding, picture=_pictured(image, label, answered))


def locked(
    image: Image, finding: Finding, own: Sequence[Kept], after: int, references: References
) -> Finding:
    """Return *finding*, of an *image* in which nothing was found, undecided if it is locked out.

    That is if it is like pictures of the caller's *own* that were flagged *after* times, and called
    what these were.
    """
    if finding.said is None:
        return finding
    label = int(finding.said.labels[0])
    if sum(one.seen for one in own if one.suspect.target == label) < after:  # as nearly always
        return finding
    seen = _alike(image, label, own, references)
    if sum(one.seen for one in seen) < after:
        return finding
    ids = tuple(one.id for one in seen)
    return replace(
        finding,
        verdict=Verdict.UNDECIDED,
        sanitised=None,
        exposed=True,
        pictures_seen=ids,
        locked=True,
    )


def measure(references: References) -> None:
    """Measure how alike clean images are, before an image asks for it."""
    _usually_alike(references)


def _pictured(image: Image, label: int, answered: int | None) -> Suspect:
    """Return what is kept of *image*, called *label*: a small copy, as if that was the image."""
    small = sketched(image, SIDE)
    height, width = small.shape[:2]
    return suspect_in(small, label, Box(0, 0, width, height), source=answered)


def _alike(image: Image, label: int, own: Sequence[Kept], references: References) -> list[Kept]:
    """Return which of a caller's *own* pictures of the class *label* *image* is like.

    The likest first; only if it is more like one than clean images are like it, or one another.
    """
    height, width, channels = image.shape
    size = (*size_of_sketch(height, width, SIDE), channels)
    possible = [
        one for one in own if one.suspect.target == label and one.suspect.patch.shape == size
    ]
    if not possible:
        return []
    pictures = np.stack([one.suspect.patch for one in possible])
    shares = _shares_of(pictures, image, _telling(pictures, references))
    least = np.maximum(_least_that_tell(possible, references), ALIKE)
    order = np.argsort(-shares, kind="stable")
    return [possible[i] for i in order.tolist() if shares[i] >= least[i]]


def _shares_of(
    pictures: NDArray[np.uint8], image: Image, telling: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the share of the *telling* blocks of each of *pictures* that *image* shows, too.

    As it is, or moved to where it is most like the picture.
    """
    small = sketched(image, SIDE)
    moved = _moved_to(pictures, _finely(image, small))
    as_it_is = _shares(_same(pictures, small[None]), telling)
    shares: NDArray[np.float64] = np.maximum(as_it_is, _shares(_same(pictures, moved), telling))
    return shares


def _finely(image: Image, small: Image) -> Image:
    """Return a copy of *image* twice as fine as *small*, which can be moved by half a part."""
    fine = sketched(image, 2 * SIDE)
    if fine.shape[:2] != (2 * small.shape[0], 2 * small.shape[1]):  # it has no more pixels
        return small.repeat(2, axis=0).repeat(2, axis=1)
    return fine


def _moved_to(pictures: NDArray[np.uint8], fine: Image) -> NDArray[np.float32]:
    """Return the *fine* copy as each of *pictures* (n, h, w, c) has it, as large as these.

    Moved to where they correlate best: who searches may move all of his picture each time.
    """
    there = _edges(pictures.repeat(2, axis=1).repeat(2, axis=2))
    now = _edges(fine[None])
    found = np.fft.ifft2(np.fft.fft2(there).conj() * np.fft.fft2(now)).real
    down, right = (np.unique(np.arange(-MOVED, MOVED + 1) % length) for length in found.shape[1:])
    near = found[:, down][:, :, right].reshape(len(pictures), -1)
    rows, columns = np.divmod(near.argmax(axis=1), len(right))
    places = zip(down[rows].tolist(), right[columns].tolist(), strict=True)
    return np.stack([_halved(np.roll(fine, (-y, -x), axis=(0, 1))) for y, x in places])


def _edges(fine: NDArray[np.uint8]) -> NDArray[np.complex64]:
    """Return (n, h, w) how each pixel of *fine* copies (n, h, w, c) differs from the next ones.

    By little at most: what was put on a picture would tell where it lies, and not the picture.
    """
    grey = fine.mean(axis=3, dtype=np.float32)
    smooth = grey + np.roll(grey, 1, 1) + np.roll(grey, 1, 2) + np.roll(grey, (1, 1), (1, 2))
    down, right = (np.roll(smooth, -2, axis) - smooth for axis in (1, 2))
    edges: NDArray[np.complex64] = np.clip(down, -EDGE, EDGE) + 1j * np.clip(right, -EDGE, EDGE)
    return edges


def _halved(fine: Image) -> NDArray[np.float32]:
    height, width, channels = fine.shape
    cells = fine.reshape(height // 2, 2, width // 2, 2, channels)
    halved: NDArray[np.float32] = cells.mean(axis=(1, 3), dtype=np.float32)
    return halved


def _same(pictures: NDArray[np.uint8], now: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of each part of *pictures* (n, h, w, c) if it is the same *now* (n, h, w, c): (n, h, w).

    But for what changes in all of it: an attacker may make it brighter.
    """
    difference = now.astype(np.float32) - pictures
    difference -= np.median(difference, axis=(1, 2), keepdims=True)
    same: NDArray[np.bool_] = (np.abs(difference) <= SAME).all(axis=3)
    return same


def _telling(pictures: NDArray[np.uint8], references: References) -> NDArray[np.bool_]:
    """Say which blocks (n, rows, columns) of *pictures* aren't what references show anyway."""
    other = (np.abs(pictures - _usual_picture(references)) > TELLING).any(axis=3)
    telling: NDArray[np.bool_] = _in_blocks(other) >= TOLD
    return telling


def _shares(same: NDArray[np.bool_], telling: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share (n,) of the *telling* blocks in which nearly all is the *same*."""
    told = telling.sum(axis=(1, 2))
    kept = ((_in_blocks(same) >= WHOLLY) & telling).sum(axis=(1, 2))
    shares: NDArray[np.float64] = np.where(told >= LEAST_TOLD, kept / np.maximum(told, 1), 0.0)
    return shares


def _in_blocks(parts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of *parts* (n, h, w) in each block."""
    counts, sizes = parts.astype(np.int64), []
    for axis in (1, 2):
        length = parts.shape[axis]
        starts = np.linspace(0, length, min(BLOCKS, length) + 1).astype(int)
        counts = np.add.reduceat(counts, starts[:-1], axis=axis)
        sizes.append(np.diff(starts))
    shares: NDArray[np.float64] = counts / np.multiply.outer(*sizes)
    return shares


def _least_that_tell(kept: Sequence[Kept], references: References) -> NDArray[np.float64]:
    """Return for each of *kept* (n,) the share from which on it is sure that it is that again.

    Above 1 where none is. Where many references are of one scene they are alike, and then nothing
    is told by it; and what hardly shows anything, as a blank picture, many are like.
    """
    measured = references.least_alike
    new = [one for one in kept if one.id not in measured]
    if new:
        for oldest in [*measured][: max(0, len(measured) + len(new) - MOST_MEASURED)]:
            del measured[oldest]
        pictures = np.stack([one.suspect.patch for one in new])
        telling = _telling(pictures, references)
        shown = np.stack([_shares_of(pictures, one, telling) for one in _some(references)], axis=1)
        for one, shares in zip(new, shown.tolist(), strict=True):
            measured[one.id] = extreme(SURE, usual(shares))
    its: NDArray[np.float64] = np.array([measured[one.id] for one in kept])
    return np.maximum(its, extreme(SURE, _usually_alike(references)))


def _some(references: References) -> Images:
    rng = np.random.default_rng(references.seed)
    return references.images[rng.permutation(len(references.images))[:COMPARED]]


def _usually_alike(references: References) -> Usual:
    """Return how alike clean images are, each with each; measured once, without a probe.

    A few are one picture again.
    """
    kept = references.usually_alike
    if "share" not in kept:
        some = _some(references)
        pictures = np.stack([sketched(image, SIDE) for image in some])
        telling = _telling(pictures, references)
        shares = np.stack([_shares_of(pictures, image, telling) for image in some])
        others = np.sort(shares[~np.eye(len(some), dtype=bool)])
        kept["share"] = usual(others[: round((1 - AGAIN) * len(others))].tolist())
    found: Usual = kept["share"]
    return found


def _usual_picture(references: References) -> NDArray[np.float32]:
    """Return what references show, part by part the middle of them (h, w, c)."""
    kept = references.usually_alike
    if "picture" not in kept:
        shown = np.stack([sketched(image, SIDE) for image in references.images])
        kept["picture"] = np.median(shown, axis=0).astype(np.float32)
    found: NDArray[np.float32] = kept["picture"]
    return found
