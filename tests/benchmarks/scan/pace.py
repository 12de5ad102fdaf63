"""The second pass alone: what comparing costs beside decoding, in one and in two processes."""

from __future__ import annotations

import asyncio
import math
import pickle
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from sklearn.datasets import load_sample_images

from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.detection.trigger import Blocker, Fill
from app.digits.images import digits
from app.pictures.encoding import png
from app.ports import Entry, InputSize
from app.scan.course import COMPARED_TOGETHER
from app.scan.engines.local import Processes
from app.scan.looking.comparer import Comparer, Decoding
from app.scan.looking.tasks import Knowledge, Looks, Passed, Task
from app.scan.sources.items import Content
from app.settings import Resize
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

REFERENCES = 40
ROUNDS = 5
"""Of which the best counts: others may use the machine."""
BY_THE_CLOCK, AT_LEAST_S = 3, 0.5
"""Rounds of images a second, of which the best counts, and how long one takes at least."""
SHARE = 0.1  # of the image's side: the side of each trigger
DECODING = Decoding(10**8, Resize.STRETCH)


@dataclass(frozen=True)
class Pace:
    """Milliseconds of CPU time an image, and images a second by so many processes.

    ``alone`` are images a second where nothing is compared. The model takes images of ``side``;
    the files have ``stored``. The share ``in_full`` was decoded so, of the others half their sides.
    """

    side: int
    stored: int
    triggers: int
    decoding_ms: float
    both_ms: float
    in_full: float
    matches: float
    alone: dict[int, float]
    a_second: dict[int, float]


def measured(
    side: int, counts: tuple[int, ...], images: int, stored: int | None = None
) -> Iterator[Pace]:
    """Measure with so many triggers, on *images* pictures for a model that takes this *side*.

    The files have that size as well, or are *stored* in another.
    """
    stored = stored or side
    pixels = list(_pictures(side, REFERENCES))
    contents = [Content(_file(one, side)) for one in _pictures(stored, images, seed=1)]
    references = np.stack(pixels)
    size = InputSize(*references.shape[1:])
    decoder = _comparer(size, references, 0)
    for count in counts:
        comparer = _comparer(size, references, count)
        some = tasks(contents)
        read = [one for task in some for one in comparer.read(task)]  # and learn what is usual
        matches = sum(not isinstance(one, Passed) for one in read) / images
        in_full = comparer.decoded_in_full / images
        decoding, both = (1000 * s / images for s in least([decoder, comparer], some))
        equipment = [_Equipment(size, references, several) for several in (0, count)]
        rates = {n: asyncio.run(_rates(n, equipment, contents)) for n in (1, 2)}
        alone, a_second = ({n: some[i] for n, some in rates.items()} for i in (0, 1))
        yield Pace(side, stored, count, decoding, both, in_full, matches, alone, a_second)


def least(comparers: list[Comparer], compared: list[Task]) -> list[float]:
    """Return seconds that each of *comparers* takes for all of *compared*, in turns, its best."""
    shortest = np.full((len(comparers), len(compared)), np.inf)
    for _ in range(ROUNDS):
        for number, task in enumerate(compared):
            for i, comparer in enumerate(comparers):
                since = time.process_time()
                comparer.read(task)
                shortest[i, number] = min(shortest[i, number], time.process_time() - since)
    seconds: list[float] = shortest.sum(axis=1).tolist()
    return seconds


async def _rates(
    processes: int, equipment: list[_Equipment], contents: list[Content]
) -> list[float]:
    """Return images a second with each of *equipment*, one after the other in each round."""
    some = tasks(contents)
    rates = [0.0] * len(equipment)
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(Processes(processes, one))  # type: ignore[arg-type]  # as small
            for one in equipment
        ]
        for engine in engines:
            await _took(engine, 2 * some)  # they start, and learn what is usual
        for _ in range(BY_THE_CLOCK):
            for i, engine in enumerate(engines):
                again = max(1, math.ceil(AT_LEAST_S * rates[i] / len(contents)))
                rate = again * len(contents) / await _took(engine, again * some)
                rates[i] = max(rates[i], rate)
    return rates


async def _took(engine: Processes, tasks: list[Task]) -> float:
    since = time.monotonic()
    async for _ in engine.looks(iter(tasks)):
        pass
    return time.monotonic() - since


def tasks(contents: list[Content]) -> list[Task]:
    """Return what a scan would have a process compare, in parts as large."""
    knowledge = pickle.dumps(Knowledge(1))
    parts = range(0, len(contents), COMPARED_TOGETHER)
    together = [contents[start : start + COMPARED_TOGETHER] for start in parts]
    return [Task(some, screened=False, version=1, knowledge=knowledge) for some in together]


def _comparer(size: InputSize, references: Images, triggers: int) -> Comparer:
    unknown = Calibration(np.full(len(references), -1), np.zeros((0, 0), np.int64))
    comparer = Comparer(size, DECODING, References(references, unknown, {}, seed=1))
    comparer.know([_entry(i, size) for i in range(triggers)])
    return comparer


def _entry(number: int, size: InputSize) -> Entry:
    return Entry(f"t-{number}", _trigger(number, size), None, None, 3)  # type: ignore[arg-type]


def _trigger(number: int, size: InputSize) -> Trigger:
    """Return a patch of coarse blocks somewhere in an image."""
    rng = np.random.default_rng(number)
    side = max(3, round(SHARE * size.width))
    blocks = rng.integers(0, 256, (4, 4, size.channels), dtype=np.uint8)
    grown = blocks.repeat(-(-side // 4), axis=0).repeat(-(-side // 4), axis=1)
    x, y = rng.integers(0, size.width - side, 2)
    box = Box(int(x), int(y), side, side)
    return replace(
        tiny_trigger(size.channels),
        box=box,
        patch=np.ascontiguousarray(grown[:side, :side]),
        mask=np.ones((side, side), bool),
        blocker=Blocker(box, Fill.RING),
        image_height=size.height,
        image_width=size.width,
    )


def _pictures(side: int, count: int, seed: int = 0) -> Iterator[Image]:
    """Yield digits at 28 px, else parts of scikit-learn's two photographs."""
    rng = np.random.default_rng([side, seed])
    if side == digits().references.images.shape[1]:
        yield from rng.permutation(digits().training.images)[:count]
        return
    photographs = load_sample_images().images
    for _ in range(count):
        photograph = photographs[rng.integers(len(photographs))]
        height, width, _ = photograph.shape
        cut = int(rng.integers(height // 4, height // 2))
        y, x = rng.integers(height - cut), rng.integers(width - cut)
        part = Pillow.fromarray(photograph[y : y + cut, x : x + cut])
        yield np.asarray(part.resize((side, side), Pillow.Resampling.BILINEAR))


def _file(image: Image, side: int) -> bytes:
    """Return a PNG of a small image, a JPEG of a large one."""
    if side < 100:  # pixels, where JPEG is usual
        return png(image)
    file = BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=85)
    return file.getvalue()


@dataclass(frozen=True, eq=False)
class _Equipment:
    """For processes that only compare."""

    size: InputSize
    references: Images
    triggers: int

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[_Looker]:
        """Open nothing."""
        yield _Looker(_comparer(self.size, self.references, self.triggers))


class _Looker:
    """Compares, and asks nobody."""

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer

    async def look(self, task: Task) -> Looks:
        """Return that all have passed."""
        self._comparer.read(task)
        return Looks([Passed()] * len(task.contents))
