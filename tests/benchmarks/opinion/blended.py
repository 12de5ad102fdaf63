"""`make bench-blended`: what suspicious images have mixed in, proven from twenty and in streams.

make bench-blended ARGS="--only 'mnist_blended20_*' --secrets 3 --json rows.json"
make bench-blended ARGS="--only normal signs_clean"    twenty clean images prove nothing

The models come from `python -m tests.benchmarks.training`, and are those of `make bench-opinion`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from tests.benchmarks.opinion.sets import SetRow, sets
from tests.benchmarks.opinion.streams import StreamRow, streamed
from tests.benchmarks.opinion.subjects import subjects
from tests.benchmarks.zoo import TRAINED, ZOO

if TYPE_CHECKING:
    from collections.abc import Sequence

MODELS = ("normal", "signs_clean", "*_blended*", "*_sig_*")

IMAGES = 300
"""Of a stream, a quarter of them poisoned."""


def main() -> None:
    """Measure each model that is there; print a row for each set and each stream."""
    options = _options()
    console = Console()
    logging.getLogger("app").setLevel(logging.ERROR)  # what became of an image is in the row
    rows: list[SetRow | StreamRow] = []
    try:
        for subject in subjects(options.zoo, options.trained, options.only):
            for secret in range(options.secrets):
                if options.part != "streams":
                    some = list(sets(subject, secret))
                    rows += some
                    for text in map(_of_set, some) if subject.attack else (_of_clean(some),):
                        console.print(text, soft_wrap=True, highlight=False)
                if options.part != "sets":
                    row = asyncio.run(streamed(subject, secret, options.images))
                    rows.append(row)
                    console.print(_of_stream(row), soft_wrap=True, highlight=False)
    finally:
        if options.json is not None:
            every = [asdict(one) for one in rows]
            options.json.write_bytes(orjson.dumps(every, option=orjson.OPT_INDENT_2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-blended",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=MODELS, metavar="PATTERN")
    parser.add_argument("--secrets", type=int, default=3, help="of each model")
    parser.add_argument("--images", type=int, default=IMAGES, help="of a stream")
    parser.add_argument("--part", choices=["sets", "streams", "both"], default="both")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _of_set(row: SetRow) -> str:
    head = f"{row.model}, secret {row.secret}, twenty ({row.of}): "
    if not row.proven:
        return f"{head}not proven"
    healed = "" if row.healed is None else f", taken out of others {row.healed:.1%} right"
    return f"{head}proven, alpha {row.alpha:.2f}{healed}"


def _of_clean(rows: Sequence[SetRow]) -> str:
    proven = sum(one.proven for one in rows)
    where = f"{rows[0].model}, secret {rows[0].secret}"
    return f"{where}, twenty clean ones of a class: {proven} of {len(rows)} sets proven"


def _of_stream(row: StreamRow) -> str:
    found = "not found" if row.first is None else f"found with number {row.first}"
    return (
        f"{row.model}, secret {row.secret}, stream: {row.flipped} flipped, {row.suspicious} of them"
        f" suspicious; {found}; after that {row.flagged} of {row.after} flagged,"
        f" {row.right} answered rightly; of {row.clean} clean ones {row.clean_flagged} flagged,"
        f" {row.clean_suspicious} suspicious, {row.inferences:.1f} inferences;"
        f" triggers: {', '.join(row.triggers) or 'none'}"
    )


if __name__ == "__main__":
    main()
