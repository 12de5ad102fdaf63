"""What is tried: models, attacks, doors, and how many images."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.doors import DOORS
from tests.benchmarks.evasion.in_process import NO_DOOR
from tests.benchmarks.evasion.rows import SEARCHES
from tests.benchmarks.zoo import TRAINED, ZOO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODELS = ("mnist/poisoned_original", "signs/signs_flower", "faces/faces_trojan_square")

MAIN_DOOR = "predict"
"""Every attack goes through it; the others show the same pixels to the same defence."""

EVERYWHERE = ("plain", "alpha 0.5", "jpeg 75", "frame 8, altered 40", "copies 2", "tensor: *")
"""What goes through every door."""


@dataclass(frozen=True)
class Options:
    """Patterns of ``attacks`` and ``doors`` were matched; ``doors`` has the attacks of each.

    ``beside``: so many other triggers of the attacker's class are in the library once it is known.
    ``taught``: attacks that it has learnt from as well. ``known``: nothing is sent while the
    trigger is unknown, and an attack's pictures one after the other, so that it learns from each.
    ``lockout``: as NEO_LOCKOUT_AFTER, in this process.
    """

    models: Mapping[str, Path]
    doors: Mapping[str, Sequence[str]]
    images: int
    secrets: int
    searches: int
    queries: int
    beside: int
    taught: Sequence[str]
    known: bool
    over_http: bool
    lockout: int
    zoo: Path
    json: Path | None


def read_options(description: str | None) -> Options:
    """Read the command line; exit with what is wrong with it."""
    parser = argparse.ArgumentParser(
        prog="make bench-evasion",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", metavar="FOLDER/NAME", default=MODELS)
    parser.add_argument("--attacks", nargs="+", metavar="PATTERN", default=["*"])
    parser.add_argument("--doors", nargs="+", metavar="PATTERN")
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--secrets", type=int, default=1)
    parser.add_argument("--searches", type=int, default=10)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--beside", type=int, default=0)
    parser.add_argument("--taught", nargs="+", metavar="ATTACK", default=(), choices=[*ATTACKS])
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--lockout", type=int, default=0, metavar="PICTURES")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.lockout and not given.in_process:
        parser.error("--lockout needs --in-process")
    folders = {**models_in(given.trained), **models_in(given.zoo)}
    for name in given.models:
        if given.zoo.is_dir() and name not in folders:
            parser.error(f"there is no model {name}, but {', '.join(folders)}")
    doors = _doors(given)
    if not any(doors.values()):
        parser.error(f"attacks: {', '.join([*ATTACKS, *SEARCHES])}; doors: {', '.join(DOORS)}")
    return Options(
        models={name: folders[name] for name in given.models if name in folders},
        doors=doors,
        images=given.images,
        secrets=given.secrets,
        searches=given.searches,
        queries=given.queries,
        beside=given.beside,
        taught=given.taught,
        known=given.known,
        over_http=not given.in_process,
        lockout=given.lockout,
        zoo=given.zoo,
        json=given.json,
    )


def models_in(zoo: Path) -> dict[str, Path]:
    """Return the folders of the models that have images to test them with."""
    ending = ".meta.json"
    return {
        f"{path.parent.name}/{path.name.removesuffix(ending)}": path.parent
        for path in sorted(zoo.glob(f"*/*{ending}"))
        if any((path.parent / f"test.{kind}").exists() for kind in ("npz", "zip"))
    }


def _doors(given: argparse.Namespace) -> dict[str, list[str]]:
    wanted = [name for name in (*ATTACKS, *SEARCHES) if _any(name, given.attacks)]
    if given.known:
        wanted = [name for name in wanted if name not in SEARCHES]
    if given.in_process:
        return {NO_DOOR: [name for name in wanted if not _is_tensor(name)]}
    doors = [name for name in DOORS if _any(name, given.doors or ["*"])]
    return {
        door: [name for name in wanted if _goes_through(door, name, every=bool(given.doors))]
        for door in doors
    }


def _goes_through(door: str, attack: str, *, every: bool) -> bool:
    """Say if *attack* is tried at *door*: *every* one where the doors were named."""
    if _is_tensor(attack) and not DOORS[door].tensors:
        return False
    if attack in SEARCHES and DOORS[door].together > 1:
        return False
    return every or door == MAIN_DOOR or _any(attack, EVERYWHERE)


def _is_tensor(attack: str) -> bool:
    return attack not in SEARCHES and ATTACKS[attack].tensor


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
