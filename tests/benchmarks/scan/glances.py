"""What glances lose: the second pass by pixels, beside a search everywhere in each image."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.detection.archive.comparing import may_carry
from app.ports import Entry, InputSize
from app.scan.looking.comparer import Comparer, Decoding
from app.scan.looking.tasks import Asked, Knowledge, Task
from app.scan.sources.items import Content
from app.settings import Resize
from tests.benchmarks.scan.sets import MOST_PIXELS, carried, stored, triggers
from tests.carried import searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from tests.benchmarks.scan.sets import Ground, Stored


@dataclass(frozen=True)
class Losses:
    """Of so many ``images`` with a trigger of this ``kind``, or with none.

    ``everywhere`` were found by a search everywhere for that trigger, ``glanced`` by what the
    second pass does to images, ``read`` by what it does to their files, of which it may have read
    half the sides alone; ``lost`` and ``lost_reading`` by the first alone.
    """

    kind: str
    images: int
    everywhere: int
    glanced: int
    lost: int
    read: int
    lost_reading: int


def losses(ground: Ground, count: int, *, each: int, clean: int, seed: int) -> Iterator[Losses]:
    """Measure with *count* triggers, *each* so many images with each; last, *clean* ones with all.

    The clean ones are compared with all triggers, and count if one of them is found.
    """
    kinds, known = triggers(count, ground.side, seed)
    pictures = carried(ground, kinds, known, each, seed)
    by_kind: dict[str, list[Losses]] = {kind: [] for kind in kinds}
    for number, (kind, one) in enumerate(zip(kinds, known, strict=True)):
        own = [picture for picture in pictures if picture.number == number]
        by_kind[kind].append(compared(kind, own, (one,), ground.references))
    for kind, some in by_kind.items():
        yield summed(kind, some)
    yield compared("none", stored(ground, clean, seed), known, ground.references)


def compared(
    kind: str, pictures: Sequence[Stored], known: tuple[Known, ...], references: References
) -> Losses:
    """Compare *pictures* with *known*, by glances and by a search in each for each."""
    images = [picture.image for picture in pictures]
    glanced = may_carry(images, known, references)
    size = InputSize(*images[0].shape)
    comparer = Comparer(size, Decoding(MOST_PIXELS, Resize.STRETCH), references)
    comparer.know([Entry(one.id, one.trigger, None, None, 3) for one in known])  # type: ignore[arg-type]
    contents = [Content(picture.body) for picture in pictures]
    task = Task(contents, screened=False, version=1, knowledge=pickle.dumps(Knowledge(1)))
    read = [isinstance(one, Asked) for one in comparer.read(task)]
    found = [any(searched(image, one, references) for one in known) for image in images]
    return counted(kind, found, glanced.tolist(), read)


def counted(
    kind: str, everywhere: Sequence[bool], glanced: Sequence[bool], read: Sequence[bool]
) -> Losses:
    """Count what was found in each image by a search everywhere, by glances and by reading it."""
    lost, lost_reading = (
        sum(found and not seen for found, seen in zip(everywhere, some, strict=True))
        for some in (glanced, read)
    )
    counts = (len(everywhere), sum(everywhere), sum(glanced), lost, sum(read), lost_reading)
    return Losses(kind, *counts)


def summed(kind: str, some: Sequence[Losses]) -> Losses:
    """Return *some* as one."""
    return Losses(
        kind,
        sum(one.images for one in some),
        sum(one.everywhere for one in some),
        sum(one.glanced for one in some),
        sum(one.lost for one in some),
        sum(one.read for one in some),
        sum(one.lost_reading for one in some),
    )
