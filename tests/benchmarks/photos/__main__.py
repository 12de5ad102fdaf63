"""`make bench-photos`: photographs over HTTP, the gateway's figures beside issue 12's targets.

make bench-photos ARGS="--models photos_sticker --deployments 1 --images 60 --json photos.json"
make bench-photos ARGS="--jpeg 60"    the same photographs, saved worse
make bench-photos ARGS="--exif"       the same, turned, with an EXIF orientation

Each deployment is a fresh store, so a fresh secret, with two workers and the default settings; each
has its own order of the same 200 photographs, on which no model was trained. The models of our own
come from `python -m tests.benchmarks.training`; what isn't there is skipped.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.progress import Progress

from tests.benchmarks.photos.figures import Figures, figures
from tests.benchmarks.photos.measuring import measure
from tests.benchmarks.photos.rows import MISSED, table
from tests.benchmarks.photos.stream import (
    IMAGES,
    PhotoModel,
    Saving,
    make_stream,
    photographs_of,
)
from tests.benchmarks.servers import running
from tests.benchmarks.zoo import TRAINED, ZOO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.benchmarks.photos.measuring import Deployment

QUALITY = 85
WHITHER = "300 of the zoo's 500 test photographs may be trained on; the streams are of the others"


@dataclass(frozen=True)
class _Made:
    """One deployment of one model, as it is written to the JSON."""

    model: str
    seed: int
    figures: Figures
    answered: object


@dataclass(frozen=True)
class _Options:
    models: Sequence[str]
    deployments: int
    images: int
    saving: Saving
    settings: Mapping[str, str]
    zoo: Path
    trained: Path
    json: Path | None


def main() -> None:
    """Measure every model; print the table, and save it if a file is named."""
    options = _options()
    console = Console()
    if not (options.zoo / "photos").is_dir():
        console.print("skipped: no zoo")
        return
    present = dict(_present(options))
    if not (options.trained / "photos").is_dir():
        console.print("skipped: models of our own (python -m tests.benchmarks.training)")
    for name in options.models:
        if name not in present:
            console.print(f"skipped: {name}, which isn't there")
    made: list[_Made] = []
    models: dict[str, PhotoModel] = {}
    try:
        with Progress(console=_beside(console)) as progress:
            for name in [name for name in options.models if name in present]:
                models[name] = PhotoModel.read(present[name], name)
                for one in _deployments(models[name], options, progress):
                    made.append(one)
                    _save(options, made)
    except KeyboardInterrupt:
        console.print("interrupted; what is done:")
    by_name = {
        name: (model, [one.figures for one in made if one.model == name])
        for name, model in models.items()
    }
    _print(console, options, by_name)


def _options() -> _Options:
    parser = argparse.ArgumentParser(
        prog="make bench-photos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", metavar="NAME")
    parser.add_argument("--deployments", type=int, default=3)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--jpeg", type=int, default=QUALITY, metavar="QUALITY")
    parser.add_argument("--exif", action="store_true")
    parser.add_argument("--setting", nargs="+", default=[], metavar="NEO_NAME=VALUE")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in given.setting)
    options = _Options(
        models=given.models or (),
        deployments=given.deployments,
        images=given.images,
        saving=Saving(given.jpeg, given.exif),
        settings={"NEO_REFERENCE": str(given.zoo / "photos" / "reference.zip"), **settings},
        zoo=given.zoo,
        trained=given.trained,
        json=given.json,
    )
    return options if given.models else _with_every_model(options)


def _with_every_model(options: _Options) -> _Options:
    return replace(options, models=[*dict(_present(options))])


def _present(options: _Options) -> Iterator[tuple[str, Path]]:
    ending = ".meta.json"
    for folder in (options.zoo / "photos", options.trained / "photos"):
        for path in sorted(folder.glob(f"*{ending}")):
            yield path.name.removesuffix(ending), folder


def _deployments(model: PhotoModel, options: _Options, progress: Progress) -> Iterator[_Made]:
    name = model.classifier.name
    photographs = photographs_of(options.zoo, model.classifier.meta["classes"])
    for seed in range(options.deployments):
        stream = make_stream(model, photographs, seed, options.images, options.saving)
        what = f"{name}, deployment {seed + 1} of {options.deployments}"
        task = progress.add_task(what, total=len(stream.sent))
        with (
            tempfile.TemporaryDirectory() as scratch,
            running(model.classifier, options.settings, Path(scratch)) as servers,
        ):
            seen = measure(model, stream, servers, partial(progress.advance, task))
        progress.remove_task(task)
        yield _Made(name, seed, figures(model, seen), _each(seen))


def _each(seen: Deployment) -> object:
    """Return every photograph's facts, for who wants to know which one it was."""
    return [
        {"poisoned": bool(poisoned), "unstamped": int(unstamped), "plain": int(plain), "got": got}
        for poisoned, unstamped, plain, got in zip(
            seen.stream.poisoned, seen.unstamped, seen.plain, seen.answered, strict=True
        )
    ]


def _beside(console: Console) -> Console:
    """Return where the bars go: not into a file that the table goes into."""
    return console if console.is_terminal else Console(stderr=True)


def _print(
    console: Console,
    options: _Options,
    made: Mapping[str, tuple[PhotoModel, Sequence[Figures]]],
) -> None:
    saving = f"JPEG {options.saving.quality}{', turned' if options.saving.turned else ''}"
    wide = Console(width=max(console.width, 40 + 26 * len(made)))
    wide.print(
        f"{options.images} photographs, {saving}; deployments: {options.deployments}; mean (worst)",
        highlight=False,
    )
    wide.print(table({name: one for name, one in made.items() if one[1]}))
    wide.print(f"{MISSED} misses its target in a deployment", highlight=False)


def _save(options: _Options, made: Sequence[_Made]) -> None:
    if options.json:
        told = {"options": options, "photographs": WHITHER, "deployments": made}
        how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        options.json.write_bytes(orjson.dumps(told, default=str, option=how))


if __name__ == "__main__":
    main()
