"""What comparing by pixels loses and costs, as tables: ``--only glances``, ``floor``, ``pace``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from tests.benchmarks.scan.floor import floor, spared
from tests.benchmarks.scan.glances import losses, summed
from tests.benchmarks.scan.kinds import by_kinds
from tests.benchmarks.scan.sets import ALL_KINDS, photographs, signs, triggers
from tests.benchmarks.zoo import ZOO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from tests.benchmarks.scan.glances import Losses
    from tests.benchmarks.scan.sets import Ground

SEED = 1
SIGNS = 500  # of 48 px
PLAIN = ("blocks",)


def show_glances(console: Console, *, quick: bool) -> None:
    """Print what glances lose beside a search everywhere."""
    if not _has_zoo(console):
        return
    table = _table(
        "What glances lose beside a search everywhere",
        *("side", "triggers", "kind", "images", "search", "glances", "lost", "reading", "lost"),
    )
    for ground in (photographs(), signs(SIGNS)):
        for count in (10, 100):
            # As many images with each kind, whatever the number of triggers.
            each, clean = (200 // count, 10) if quick else (800 // count, 100)
            for one in _with_sum(losses(ground, count, each=each, clean=clean, seed=SEED)):
                found = (one.everywhere, one.glanced, one.lost, one.read, one.lost_reading)
                numbers = (one.images, *found)
                table.add_row(str(ground.side), str(count), one.kind, *map(str, numbers))
            table.add_section()
    console.print(table)
    console.print(
        "A search takes all of a trigger's reach in each image; lost is what it alone found. "
        "Reading begins with half a JPEG's sides. Images without a trigger are compared with all."
    )


def _with_sum(some: Iterator[Losses]) -> Iterator[Losses]:
    """Yield *some*, and before the last, of images that carry nothing, all others as one."""
    *carrying, none = some
    yield from carrying
    yield summed("all", carrying)
    yield none


def show_kinds(console: Console, images: int) -> None:
    """Print what the second pass takes by what the triggers look like."""
    if not _has_zoo(console):
        return
    ground = photographs()
    table = _table(
        f"The second pass by kinds of triggers, {ground.side} px, {images} photographs",
        *("triggers", "of", "decoding ms", "both ms", "of decoding", "in full", "matches"),
    )
    for one in by_kinds(ground, images, SEED):
        table.add_row(
            *(str(one.triggers), one.kinds, f"{one.decoding_ms:.3f}", f"{one.both_ms:.3f}"),
            *(f"{one.both_ms / one.decoding_ms:.2f}", f"{one.in_full:.0%}", f"{one.matches:.1%}"),
        )
    console.print(table)


def show_floor(console: Console, *, quick: bool) -> None:
    """Print where the time goes beside decoding, and what a sure bound would spare."""
    if not _has_zoo(console):
        return
    ground, images = photographs(), 32 if quick else 64
    table = _table(
        f"Where the second pass's time goes: ms an image, {ground.side} px, {images} photographs",
        *("triggers", "of", "decoding", "exact pixels", "shrunken"),
        *("first copies", "left", "second", "left", "finer", "of decoding"),
    )
    for name, kinds, roaming, counts in (
        ("blocks", PLAIN, 0, (1, 10, 100)),
        ("all kinds", ALL_KINDS, 0, (10, 100)),
        ("1 in 10 roams", ALL_KINDS, 10, (10,)),
    ):
        for count in counts:
            _, known = triggers(count, ground.side, SEED, kinds=kinds, roaming=roaming)
            one = floor(ground, known, images)
            stages = (one.exact, one.shared, one.first, one.second, one.rest)
            table.add_row(
                str(count),
                name,
                *(f"{ms:.3f}" for ms in (one.decoding, one.exact, one.shared, one.first)),
                f"{one.first_left:.0%}",
                f"{one.second:.3f}",
                f"{one.second_left:.1%}",
                f"{one.rest:.3f}",
                f"{1 + sum(stages) / one.decoding:.2f}",
            )
    console.print(table)
    _show_bound(console, ground, images)


def _show_bound(console: Console, ground: Ground, images: int) -> None:
    table = _table(
        "A sure bound in the directions that 100 first copies share, by SVD and Cauchy-Schwarz",
        *("directions", "of", "pairs", "bound leaves", "a copy leaves", "sure"),
        *("bound, us a pair", "copies, us a pair", "directions, us an image"),
    )
    for one in spared(ground, 100, images, SEED):
        table.add_row(
            *(str(one.directions), str(one.numbers), f"{one.pairs:,}"),
            *(f"{one.left:.0%}", f"{one.exact_left:.0%}", "yes" if one.is_sure else "no"),
            *(f"{one.bound_us:.1f}", f"{one.copy_us:.1f}", f"{one.directions_us:.0f}"),
        )
    console.print(table)


def _has_zoo(console: Console) -> bool:
    if not ZOO.is_dir():
        console.print("skipped: no zoo")
    return ZOO.is_dir()


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, width=120)
    for column in columns:
        table.add_column(column, justify="right")
    return table
