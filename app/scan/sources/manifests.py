"""Lists of pictures: a CSV, JSON Lines or Parquet file with a column ``path``."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.scan.sources.items import SourceError, shown
from app.scan.sources.names import ending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMN: Final = "path"
MANIFESTS: Final = frozenset({".csv", ".jsonl", ".ndjson", ".parquet"})

_ROWS_AT_ONCE = 1000


def listed_paths(manifest: Path) -> Iterator[str]:
    """Yield the paths in *manifest*; relative ones are meant from its own folder.

    Raises SourceError if it isn't one.
    """
    here = str(manifest.parent) == "."
    read = {".csv": _csv, ".parquet": _parquet}.get(ending(manifest.name), _json_lines)
    try:
        for path in read(manifest):
            _check(path)
            # As it would be given: not ./a.png. And a path may be no text.
            yield path if here or "://" in path else os.path.join(manifest.parent, path)  # noqa: PTH118
    except (ValueError, LookupError, csv.Error) as exc:
        words = " ".join(str(exc).split())
        message = (
            f"{shown(str(manifest))}: it is no list of pictures: {words} (it needs a column"
            f" {COLUMN}: the paths, from its own folder)"
        )
        raise SourceError(message) from exc


def _check(path: object) -> None:
    if not isinstance(path, str) or not path or "\0" in path:
        message = f"a row has no {COLUMN}"
        raise ValueError(message)


def _csv(manifest: Path) -> Iterator[Any]:
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if COLUMN not in (rows.fieldnames or ()):
            message = f"its first line names no column {COLUMN}"
            raise ValueError(message)
        yield from (row[COLUMN] for row in rows)


def _json_lines(manifest: Path) -> Iterator[Any]:
    with manifest.open("rb") as file:
        for line in file:
            if line.strip():
                row = orjson.loads(line)
                yield row.get(COLUMN) if isinstance(row, dict) else None


def _parquet(manifest: Path) -> Iterator[Any]:
    from pyarrow import ArrowException  # noqa: PLC0415  # an extra
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    try:
        with ParquetFile(manifest) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[COLUMN]):
                yield from batch.column(COLUMN).to_pylist()
    except ArrowException as exc:
        raise ValueError(str(exc)) from exc
