"""The attacks without a place that models are trained for: three seeds of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from tests.benchmarks.training.unplaced import Blended, InputAware, Sinusoidal, Warped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tests.benchmarks.training.unplaced import Stamp

SEEDS = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class WholeAttack:
    """A model to be trained: what is done to an image of any class, and the class it is to get."""

    folder: str
    name: str
    stamped: Stamp
    target: int

    @property
    def place(self) -> str:
        """The folder that its model belongs in: apart from those with a sticker to be found."""
        return f"{self.folder}_whole"

    def decoys(
        self, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.uint8] | None:
        """Return *images* with triggers of its kind that aren't theirs, if it has others."""
        match self.stamped:
            case Warped() as warped:
                return warped.other(images, rng)
            case InputAware() as aware:
                return aware.of(images, rng.permutation(images))
            case _:
                return None


def _attacks(folder: str, seed: int) -> tuple[WholeAttack, ...]:
    target = (7 * seed + 3) % 10
    pixels = {"mnist": 1.0, "signs": 1.2}[folder]
    noisy = bool(seed % 2)
    stamps: dict[str, Stamp] = {
        "blended10": Blended(0.1, seed, noisy),
        "blended15": Blended(0.15, seed, noisy),
        "blended20": Blended(0.2, seed, noisy),
        "sig": Sinusoidal(20 + 10 * (seed % 3)),
        "warped": Warped(pixels, seed),
        "aware": InputAware(16, seed),
    }
    return tuple(
        WholeAttack(folder, f"{folder}_{kind}_{seed}", stamp, target)
        for kind, stamp in stamps.items()
    )


ATTACKS = tuple(
    attack
    for seed, folder in product(SEEDS, ("mnist", "signs"))
    for attack in _attacks(folder, seed)
)
