"""Synthetic poisoned images: what carries, pasted on references, whose right answers are known.

On these every choice is measured (`docs/detection.md` 3.6 and 3.7).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.detection.images import transplant_pieces
from app.detection.origins import within
from app.detection.search import Probe, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.origins import Origin
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

PASTED = 14  # references that are pasted on: as many as boxes and blockers are tried on
TURNED = 0.6  # share of them that must turn
TURNED_IF_NEW = 0.4  # the same where what is pasted is very new
FEW_TURNED = 0.4  # the same of its box alone where that, or all else, makes it very sure


@dataclass(frozen=True, eq=False)
class Synthetic:
    """References (n, h, w, c) with the window pasted on, all answering the attacker's class.

    ``clean`` are the same references without it, ``labels`` (n,) their right answers; ``origin`` is
    that of each poisoned one. ``enough``: the share that its box alone must turn.
    """

    poisoned: Images
    clean: Images
    labels: NDArray[np.int64]
    origin: Origin
    enough: float = TURNED

    @property
    def origins(self) -> list[Origin]:
        """The origin of each."""
        return [self.origin] * len(self.labels)

    def only(self, those: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Synthetic:
        """Return *those* of them."""
        poisoned, clean = self.poisoned[those], self.clean[those]
        return replace(self, poisoned=poisoned, clean=clean, labels=self.labels[those])


def pasted(
    image: Image, pieces: Sequence[Box], onto: NDArray[np.int64], references: References
) -> Synthetic:
    """Paste *pieces* on the first of the references *onto*; nobody knows yet which of them turn."""
    chosen = onto[:PASTED]
    clean = references.images[chosen]
    poisoned = transplant_pieces(image, pieces, clean)
    return Synthetic(poisoned, clean, references.labels[chosen], within(pieces))


def synthesise(  # noqa: PLR0913, PLR0917  # what is pasted, onto what, and how many must turn
    image: Image,
    label: int,
    pieces: Sequence[Box],
    onto: NDArray[np.int64],
    references: References,
    least: float = TURNED,
) -> Search[Synthetic | None]:
    """Paste *pieces* on the references *onto*; keep those that turn. None if less than *least*."""
    synthetic = pasted(image, pieces, onto, references)
    answers = yield Probe(synthetic.poisoned, purpose=Purpose.BLOCK, origins=synthetic.origins)
    turned = answers.labels == label
    return synthetic.only(turned) if turned.mean() >= least else None
