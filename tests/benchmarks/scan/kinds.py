"""What comparing costs beside decoding, by what triggers look like, on the zoo's photographs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from app.ports import Entry, InputSize
from app.scan.looking.comparer import Comparer
from app.scan.looking.tasks import Passed
from app.scan.sources.items import Content
from tests.benchmarks.scan.pace import DECODING, least, tasks
from tests.benchmarks.scan.sets import ALL_KINDS, SOURCE, STICKER, TRANSLUCENT, triggers
from tests.carried import as_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.defence import Known
    from tests.benchmarks.scan.sets import Ground

SETS = (
    ("blocks", ("blocks",), (1, 10, 100)),
    ("stickers with an outline", ("cut", "round", STICKER), (10, 100)),
    ("translucent", (TRANSLUCENT,), (1, 10)),
    ("source-specific", (SOURCE,), (1, 10)),
    ("all kinds", ALL_KINDS, (10, 100)),
    ("all kinds but noise", tuple(kind for kind in ALL_KINDS if kind != "noise"), (10,)),
)
"""Names, kinds in turn, and of how many triggers."""
SEEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class KindPace:
    """Milliseconds of CPU time an image. So many triggers are of these ``kinds``; none moves.

    The share ``in_full`` of the files was decoded so. The share that ``matches`` is clean, too.
    """

    kinds: str
    triggers: int
    decoding_ms: float
    both_ms: float
    in_full: float
    matches: float


def by_kinds(ground: Ground, images: int, seed: int) -> Iterator[KindPace]:
    """Measure on so many clean *images*, stored as JPEGs."""
    rng = np.random.default_rng(0)
    contents = [Content(as_file(image, rng, share=1)) for image in ground.clean[:images]]
    some = tasks(contents)
    decoder = _comparer(ground, ())
    for name, kinds, counts in SETS:
        for count in counts:
            _, known = triggers(count, ground.side, seed, kinds=kinds, roaming=0)
            comparer = _comparer(ground, known)
            read = [one for task in some for one in comparer.read(task)]  # and learn what is usual
            matches = sum(not isinstance(one, Passed) for one in read) / len(contents)
            in_full = comparer.decoded_in_full / len(contents)
            alone, both = (1000 * s / len(contents) for s in least([decoder, comparer], some))
            yield KindPace(name, count, alone, both, in_full, matches)


def _comparer(ground: Ground, known: tuple[Known, ...]) -> Comparer:
    comparer = Comparer(InputSize(ground.side, ground.side, 3), DECODING, ground.references)
    comparer.know([Entry(one.id, one.trigger, SEEN, SEEN, 3) for one in known])
    return comparer
