"""Train backdoored models of our own on the zoo's images, for the benchmarks; nothing is committed.

python -m tests.benchmarks.training --only photos_weak signs_source

It needs, in an environment of its own: pip install torch==2.13.0 onnx onnxruntime pillow numpy
It takes one core a few minutes for each of the photo models, a minute for all those with a sticker
on signs and digits, and half a minute for each of those whose trigger has no place.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.benchmarks.training.lacking import give_up
from tests.benchmarks.zoo import TRAINED, ZOO

COMMAND = "python -m tests.benchmarks.training"

try:
    import torch

    from tests.benchmarks.training import photos, thumbnails, whole_attacks, whole_images
except ModuleNotFoundError as missing:
    give_up(COMMAND, missing)

Train = Callable[[], dict[str, Any]]


def main() -> None:
    """Train every model that isn't there yet, or those that are named; say how each came out."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    arguments = _arguments()
    for name, path, train in _models(arguments.zoo, arguments.out):
        if name in arguments.only if arguments.only else not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            meta = train()
            success = meta.get("attack_success") or meta["triggers"][0]["asr"]
            said = f"accuracy {meta['clean_accuracy']:.3f}, attack success {success:.3f}"
            print(f"{path}: {said}", flush=True)  # noqa: T201  # it has no rich in its environment


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these, even if they are there")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--out", type=Path, default=TRAINED)
    return parser.parse_args()


def _models(zoo: Path, out: Path) -> Iterator[tuple[str, Path, Train]]:
    @cache
    def photographs() -> photos.PhotoTraining:
        return photos.PhotoTraining(zoo)

    @cache
    def halves(folder: str, place: str) -> whole_images.WholeTraining:
        return whole_images.WholeTraining(zoo, out / place, folder)

    def thumbnail(attack: thumbnails.ThumbnailAttack) -> dict[str, Any]:
        return halves(attack.folder, attack.folder).train(attack)

    def whole(attack: whole_attacks.WholeAttack) -> dict[str, Any]:
        return halves(attack.folder, attack.place).train_whole(attack)

    def photo(attack: photos.PhotoAttack) -> dict[str, Any]:
        return photographs().train(attack, out / "photos")

    for small in thumbnails.ATTACKS:
        yield small.name, out / small.folder / f"{small.name}.onnx", partial(thumbnail, small)
    for unplaced in whole_attacks.ATTACKS:
        path = out / unplaced.place / f"{unplaced.name}.onnx"
        yield unplaced.name, path, partial(whole, unplaced)
    for large in photos.ATTACKS:
        yield large.name, out / "photos" / f"{large.name}.onnx", partial(photo, large)


if __name__ == "__main__":
    main()
