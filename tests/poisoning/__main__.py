"""Streams that are meant to poison the gateway's state, and what came of them.

python -m tests.poisoning --images 10000 --json poisoning.json
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.detection.geometry import Box
from app.digits.images import digits
from app.library.rules.capacity import CAPACITY
from app.library.rules.expiry import LIFETIMES
from tests.benchmarks.speed.processes import rss_bytes
from tests.poisoning.borderline import borderline_images
from tests.poisoning.patch import universal_patch
from tests.poisoning.streams import Came, again, plant, send, send_clean
from tests.poisoning.victim import labels_of, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.poisoning.victim import Victim

PATCHED = 500
ACTS = 0.35
PLANTED = (5, 20, CAPACITY)


@dataclass(frozen=True, eq=False)
class Row:
    """What came of one stream, with the ``entries`` in the library and the memory after it."""

    name: str
    came: Came
    entries: int
    rss_mb: float

    def told(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "stream": self.name,
            "images": self.came.images,
            "verdicts": dict(self.came.verdicts),
            "flagged": len(self.came.alarms),
            "changed": self.came.changed,
            "probes_mean": float(np.mean(self.came.probes)),
            "probes_most": max(self.came.probes),
            "entries": self.entries,
            "rss_mb": self.rss_mb,
        }


def main() -> None:
    """Send every stream; print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.poisoning", description=__doc__)
    parser.add_argument("--images", type=int, default=10_000, help="borderline images, and replays")
    parser.add_argument("--clean", type=int, default=300, help="clean images between the streams")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # each image that is refused is counted here
    console = Console()
    rows: list[Row] = []
    try:
        with Progress(console=console, transient=True) as progress:
            asyncio.run(_all(arguments.images, arguments.clean, rows, progress))
    except KeyboardInterrupt:
        console.print("interrupted; what there is:")
    console.print(_table(rows))
    if arguments.json:
        told = orjson.dumps([row.told() for row in rows], option=orjson.OPT_INDENT_2)
        arguments.json.write_bytes(told)


async def _all(n: int, clean: int, rows: list[Row], progress: Progress) -> None:
    for streams in (_patched, _many_patches, _borderline, _replays, _planted):
        task = progress.add_task(streams.__name__.strip("_"), total=None)
        async for row in streams(n, clean, partial(progress.advance, task)):
            rows.append(row)  # noqa: PERF401  # what is done stays if it is interrupted
        progress.remove_task(task)


async def _patched(n: int, clean: int, done: Callable[[], None]) -> AsyncIterator[Row]:
    """Send an adversarial patch that acts on most images."""
    async with opened() as victim:
        yield _row(victim, "clean, before", await send_clean(victim, clean))
        patch = universal_patch(victim.learnt, digits().training.images[:400])
        images = digits().stream.images
        truth = labels_of(victim.learnt, images)
        acts = labels_of(victim.learnt, patch.on(images)) == patch.target
        chosen = np.flatnonzero(acts & (truth != patch.target))[:PATCHED]
        came = await send(victim, patch.on(images[chosen]), truth[chosen], done)
        yield _row(victim, f"a patch that acts on {patch.share:.0%} of all digits", came)
        yield _row(victim, "clean, after it", await send_clean(victim, clean))
        one, count = patch.on(images[chosen[:1]])[0], min(n, 5000)
        came = await send(victim, again(one, count), np.repeat(truth[chosen[:1]], count), done)
        yield _row(victim, "one patched image, replayed", came)
        yield _row(victim, "clean, after that", await send_clean(victim, clean))


async def _many_patches(_: int, __: int, done: Callable[[], None]) -> AsyncIterator[Row]:
    """Send patches of every kind that acts on a third of the images, each on few of these."""
    images = digits().stream.images
    async with opened() as victim:
        truth = labels_of(victim.learnt, images)
        places = [Box(x, y, 8, 8) for y in (0, 10, 20) for x in (0, 5, 10, 15, 20)]
        kinds = [(box, target) for box in places for target in range(10)]
        lessons = digits().training.images[:300]
        made = [universal_patch(victim.learnt, lessons, *kind) for kind in kinds]
        patches = [patch for patch in made if patch.share > ACTS]
        for times in (1, 5):
            shown, right = [], []
            for patch in patches:
                acts = labels_of(victim.learnt, patch.on(images)) == patch.target
                chosen = np.flatnonzero(acts & (truth != patch.target))[:times]
                shown.append(patch.on(images[chosen]))
                right.append(truth[chosen])
            came = await send(victim, np.concatenate(shown), np.concatenate(right), done)
            yield _row(victim, f"{len(patches)} patches, each on {times}", came)
            after = await send_clean(victim, len(images))
            yield _row(victim, "clean, after that", after)


async def _borderline(n: int, clean: int, done: Callable[[], None]) -> AsyncIterator[Row]:
    """Send images on the border between two classes."""
    async with opened() as victim:
        images = borderline_images(victim.learnt, n, seed=3)
        truth = labels_of(victim.learnt, images)
        came = await send(victim, images, truth, done)
        yield _row(victim, "borderline", came)
        yield _row(victim, "clean, after them", await send_clean(victim, clean))
        victim.clock.forward(LIFETIMES.probation)
        yield _row(victim, "clean, a day later", await send_clean(victim, clean))
        for number in came.alarms[:3]:
            replayed = again(images[number], 1000)
            again_ = await send(victim, replayed, np.repeat(truth[number], 1000), done)
            yield _row(victim, f"borderline {number}, a false alarm, replayed", again_)
        yield _row(victim, "clean, after that", await send_clean(victim, clean))


async def _replays(n: int, clean: int, done: Callable[[], None]) -> AsyncIterator[Row]:
    """Send one borderline image that was cleared, again and again."""
    async with opened() as victim:
        image, count = borderline_images(victim.learnt, 1, seed=4), min(n, 5000)
        truth = np.repeat(labels_of(victim.learnt, image), count)
        came = await send(victim, again(image[0], count), truth, done)
        yield _row(victim, "one borderline image, replayed", came)
        yield _row(victim, "clean, after it", await send_clean(victim, clean))


async def _planted(_: int, clean: int, done: Callable[[], None]) -> AsyncIterator[Row]:
    """Send clean images past entries that nothing real has led to."""
    images = digits().stream.images[:clean]
    for count in PLANTED:
        async with opened() as victim:
            await plant(victim, count, seed=8)
            came = await send(victim, images, labels_of(victim.learnt, images), done)
            yield _row(victim, f"clean, with {count} planted entries", came)


def _row(victim: Victim, name: str, came: Came) -> Row:
    return Row(name, came, len(victim.library.entries()), rss_bytes(os.getpid()) / 1e6)


def _table(rows: list[Row]) -> Table:
    table = Table(title="What came of it", title_justify="left")
    for name in ("stream", "verdicts"):
        table.add_column(name)
    for name in ("images", "flagged", "changed", "probes", "most", "entries", "MB"):
        table.add_column(name, justify="right")
    for row in rows:
        told = row.told()
        verdicts = ", ".join(f"{word} {count:,}" for word, count in row.came.verdicts.most_common())
        numbers = [told["images"], told["flagged"], told["changed"]]
        table.add_row(
            *(row.name, verdicts, *(f"{number:,}" for number in numbers)),
            *(f"{told['probes_mean']:.0f}", f"{told['probes_most']:,}"),
            *(str(row.entries), f"{row.rss_mb:.0f}"),
        )
    return table


if __name__ == "__main__":
    main()
