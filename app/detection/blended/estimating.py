"""What suspicious images of one class have mixed in, and by how much (`docs/detection.md` 9.3).

A poisoned image is (1 - alpha) * clean + alpha * picture. Clean images of all classes are a mean
and some mixture of a few dozen axes (`second_opinion.span`), which vary by 1 - alpha as much as
they usually do: that tells alpha. What of the picture no mixture explains stays the same in all
images, so that their mean shows it; what mixtures explain is known as well as the mean of so many
clean images is, and is taken for no more than the rest makes likely. But a smooth picture, stripes
say, is explained by mixtures for the most part, and what is left tells little of its strength.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.second_opinion.splitting import halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images
    from app.detection.second_opinion.span import Span

LEADING = 60  # axes that tell alpha: the others vary by what an image's noise does
FAINTEST, STRONGEST = 0.05, 0.5  # alpha that is looked for
WITHIN, HALF = 0.98, 128.0  # of its values, that are to be within so many levels of the mean
COMPARED = 500  # clean images whose mixtures are compared
SMOOTH, TRIED = 1000.0, 40  # times what is left, that the same share of mixtures may be; steps


@dataclass(frozen=True, eq=False)
class Pattern:
    """A ``picture`` (h, w, c) that is mixed in by the share ``alpha``.

    Only their product is known well; so it is cut off where alpha is too small for it.
    """

    picture: Image
    alpha: float


def estimated(
    images: Images, label: int, references: References, span: Span, *, smooth: bool = False
) -> Pattern | None:
    """Return what *images* (n, h, w, c), two at least, called *label*, have mixed in.

    A *smooth* picture may have more of what mixtures explain than of the rest.
    None if there would be more of it than of the image. What is added to images, which vary as
    clean ones do then, is mixed in as well as it can be.
    """
    coordinates, rest = _apart(images, span)
    clean, _ = _apart(_others(label, references), span)
    spread = coordinates.std(axis=0, ddof=1)[:LEADING] / clean.std(axis=0)[:LEADING]
    seen = float(1 - spread.mean())
    left = rest.mean(axis=0)
    mixtures = coordinates.mean(axis=0) - (1 - max(seen, 0)) * clean.mean(axis=0)
    unsure = coordinates.var(axis=0, ddof=1) / len(images)
    likely = float((left**2).sum()) / max(left.size - len(span.axes), 1)
    likely = max(likely, float(np.finfo(np.float32).tiny))
    if smooth:
        likely = _likely(mixtures, unsure, likely)
    mixtures *= likely / (likely + unsure)
    shared = left + mixtures @ span.axes
    alpha = max(seen, FAINTEST, float(np.quantile(np.abs(shared), WITHIN)) / HALF)
    if alpha > STRONGEST:
        return None
    sums = span.mean + shared / alpha
    picture = np.clip(np.rint(sums), 0, 255).astype(np.uint8).reshape(images.shape[1:])
    return Pattern(picture, alpha)


def _likely(mixtures: NDArray[np.float32], unsure: NDArray[np.float32], beside: float) -> float:
    """Return which variance of a picture's share in an axis makes its *mixtures* the likeliest.

    Each of them is off by a variance of its own, *unsure*. A picture has as much of an axis at
    least as of each dimension *beside* them.
    """
    tried = beside * np.geomspace(1, SMOOTH, TRIED)
    spread = tried[:, None] + unsure
    unlikely = (np.log(spread) + mixtures**2 / spread).sum(axis=1)
    return float(tried[unlikely.argmin()])


def _others(label: int, references: References) -> Images:
    """Return clean images of other classes, which the span wasn't made of."""
    _, held = halves(references.images, references.seed)
    others: Images = references.images[held[references.labels[held] != label][:COMPARED]]
    return others


def _apart(images: Images, span: Span) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mixtures that *images* are (n, axes), and what is left of each (n, d)."""
    off: NDArray[np.float32] = images.reshape(len(images), -1) - span.mean
    coordinates: NDArray[np.float32] = off @ span.axes.T
    rest: NDArray[np.float32] = off - coordinates @ span.axes
    return coordinates, rest
