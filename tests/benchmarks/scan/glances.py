"""What glances lose: the second pass by pixels, beside a search everywhere in each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.recognising.comparing import may_carry
from tests.benchmarks.scan.sets import carried, triggers
from tests.carried import searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from tests.benchmarks.scan.sets import Ground


@dataclass(frozen=True)
class Losses:
    """Of so many ``images`` with a trigger of this ``kind``, or with none.

    ``everywhere`` were found by a search everywhere for that trigger, ``glanced`` by what the
    second pass does; ``lost`` by the first alone.
    """

    kind: str
    images: int
    everywhere: int
    glanced: int
    lost: int


def losses(ground: Ground, count: int, *, each: int, clean: int, seed: int) -> Iterator[Losses]:
    """Measure with *count* triggers, *each* so many images with each; last, *clean* ones with all.

    The clean ones are compared with all triggers, and count if one of them is found.
    """
    kinds, known = triggers(count, ground.side, seed)
    pictures = carried(ground, kinds, known, each, seed)
    by_kind: dict[str, list[Losses]] = {kind: [] for kind in kinds}
    for number, (kind, one) in enumerate(zip(kinds, known, strict=True)):
        images = [picture.image for picture in pictures if picture.number == number]
        by_kind[kind].append(compared(kind, images, (one,), ground.references))
    for kind, some in by_kind.items():
        yield summed(kind, some)
    yield compared("none", list(ground.clean[:clean]), known, ground.references)


def compared(
    kind: str, images: Sequence[Image], known: tuple[Known, ...], references: References
) -> Losses:
    """Compare *images* with *known*, by glances and by a search in each for each."""
    glanced = may_carry(images, known, references)
    found = np.array([any(searched(image, one, references) for one in known) for image in images])
    return counted(kind, found.tolist(), glanced.tolist())


def counted(kind: str, everywhere: Sequence[bool], glanced: Sequence[bool]) -> Losses:
    """Count what was found in each image, by a search everywhere and by glances."""
    both = list(zip(everywhere, glanced, strict=True))
    lost = sum(found and not seen for found, seen in both)
    return Losses(kind, len(both), sum(everywhere), sum(glanced), lost)


def summed(kind: str, some: Sequence[Losses]) -> Losses:
    """Return *some* as one."""
    return Losses(
        kind,
        sum(one.images for one in some),
        sum(one.everywhere for one in some),
        sum(one.glanced for one in some),
        sum(one.lost for one in some),
    )
