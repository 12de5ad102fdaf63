"""`make bench-evasion`: who knows the source tries to get a trigger past the gateway.

make bench-evasion ARGS="--in-process --models mnist/poisoned_1 --attacks 'alpha *' 'frame *'"
make bench-evasion ARGS="--in-process --secrets 3 --images 20 --json evasion.json"

Every attack is made of clean images of which neither the model nor one without a backdoor says what
the attacker wants; those pictures count that make the backdoored model say so, and not the other.
Evaded: not flagged, and the attacker's class is answered. Unknown: the library is empty before
each picture. Known: it has what plain poisoned images have taught it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from tests.benchmarks.detection.subject import attack_in, subject_of
from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.rows import MISSED, Row, head, line, row
from tests.benchmarks.evasion.trying import deploy, tried
from tests.benchmarks.evasion.victims import Target
from tests.benchmarks.zoo import TRAINED, ZOO, ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MODELS = ("mnist/poisoned_1", "signs/signs_flower", "faces/faces_trojan_square")
INTERRUPTED = 130


@dataclass(frozen=True)
class _Options:
    models: Mapping[str, Path]
    attacks: Sequence[str]
    images: int
    secrets: int
    zoo: Path
    json: Path | None


def main() -> None:
    """Try every attack on every model; print the table, and save it if a file is named."""
    options = _options()
    console = Console()
    if not options.zoo.is_dir():
        console.print("skipped: no zoo")
        return
    logging.getLogger("app").setLevel(logging.ERROR)  # what became of an image is in the table
    try:
        asyncio.run(_try_all(options, console))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _options() -> _Options:
    parser = argparse.ArgumentParser(
        prog="make bench-evasion",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--in-process", action="store_true", required=True)
    parser.add_argument("--models", nargs="+", metavar="FOLDER/NAME", default=MODELS)
    parser.add_argument("--attacks", nargs="+", metavar="PATTERN", default=["*"])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--secrets", type=int, default=1)
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folders = {**_models(given.trained), **_models(given.zoo)}
    for name in given.models:
        if given.zoo.is_dir() and name not in folders:
            parser.error(f"there is no model {name}, but {', '.join(folders)}")
    attacks = [
        name for name in ATTACKS if any(fnmatchcase(name, pattern) for pattern in given.attacks)
    ]
    if not attacks:
        parser.error(f"there is no such attack, but {', '.join(ATTACKS)}")
    return _Options(
        models={name: folders[name] for name in given.models if name in folders},
        attacks=attacks,
        images=given.images,
        secrets=given.secrets,
        zoo=given.zoo,
        json=given.json,
    )


def _models(zoo: Path) -> dict[str, Path]:
    ending = ".meta.json"
    return {
        f"{path.parent.name}/{path.name.removesuffix(ending)}": path.parent
        for path in sorted(zoo.glob(f"*/*{ending}"))
        if (path.parent / "test.npz").exists()
    }


async def _try_all(options: _Options, console: Console) -> None:
    rows: list[Row] = []
    _print(console, head())
    try:
        for name, folder in options.models.items():
            target = _target(name, folder, options.zoo)
            if target is None:
                _print(console, f"skipped: {name}, which isn't backdoored, or not by one trigger")
                continue
            await _try_model(options, console, target, rows)
    finally:  # Ctrl-C keeps what is done
        _print(console, f"\n{MISSED} misses its target")
        _save(options, rows)


def _target(name: str, folder: Path, zoo: Path) -> Target | None:
    model = ZooModel(folder, name.split("/")[1])
    backdoor = attack_in(model)
    if backdoor is None or len(backdoor.stamps) != 1:
        return None
    same = [ZooModel(zoo / folder.name, one) for one in _names(zoo / folder.name)]
    clean = next(one for one in same if attack_in(one) is None)
    others = [attack_in(one) for one in same if one.name != model.name]
    stamps = [attack.stamps[0] for attack in others if attack is not None]
    return Target(subject_of(model, name), backdoor, model, clean, stamps)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.meta.json")):
        yield path.name.removesuffix(".meta.json")


async def _try_model(options: _Options, console: Console, target: Target, rows: list[Row]) -> None:
    deployments = [await deploy(target, seed) for seed in range(options.secrets)]
    blind = sum(not one.learnt for one in deployments)
    if blind:
        _print(console, f"{target.subject.name}: {blind} deployments learnt nothing")
    plain = None
    images = -(-options.images // options.secrets)
    for attack in options.attacks:
        pictures = [one for each in deployments for one in await tried(each, attack, images)]
        made = row(target.subject.name, attack, pictures)
        plain = made if attack == "plain" else plain
        rows.append(made)
        _print(console, line(made, plain))
        _save(options, rows)


def _print(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def _save(options: _Options, rows: Sequence[Row]) -> None:
    if options.json:
        told = {"images": options.images, "secrets": options.secrets, "rows": rows}
        how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        options.json.write_bytes(orjson.dumps(told, option=how))


if __name__ == "__main__":
    main()
