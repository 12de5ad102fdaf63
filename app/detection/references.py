"""The reference set: clean images by the model's own label, and what was measured on them once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is measured once for a model and a reference set, and shared by all workers.

    ``labels`` (n,) int64 is what the model says of each reference. ``robust`` maps the name of a
    scale to the indices (m,) int64 of references in their order of use: those that pasted natural
    content turns least come first (`detection.md` 3.3).
    """

    labels: NDArray[np.int64]
    robust: dict[str, NDArray[np.int64]]
