"""The rows of a scan: one for each path, in the order of the list."""

from __future__ import annotations

import csv
import io
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from app.scan.report.parquet import write_parquet
from app.scan.report.sarif import write_sarif
from app.scan.results import unreadable
from app.scan.sources.items import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.scan.results import Said
    from app.scan.state.state import State

STDOUT: Final = "-"

COLUMNS: Final = (
    *("path", "sha256", "verdict", "screening"),
    *("prediction", "prediction_label", "prediction_score"),
    *("sanitised_prediction", "sanitised_prediction_label", "sanitised_prediction_score"),
    *("trigger", "evidence", "inferences", "reason", "modified"),
)
"""Of a table; in JSON a prediction is an object."""


def rows(state: State) -> Iterator[dict[str, Any]]:
    """Yield a row for each item of *state* that is done."""
    for item, content, result in state.rows():
        if result is None and item.reason is None:
            continue
        told = result or unreadable(item.reason or "")
        sha256 = None if content is None else sha256_of(content)
        yield {"path": item.path, "sha256": sha256, **asdict(told), "modified": item.modified}


def is_stream(output: str) -> bool:
    """Say if *output* is the standard output, a pipe or a device, which no file may replace."""
    path = Path(output)
    return output == STDOUT or (path.exists() and not path.is_file() and not path.is_dir())


def write_rows(state: State, output: str, form: str) -> None:
    """Write the rows into the file *output*, as a whole or not at all. Raises OSError.

    Into a pipe or a device they are written as they come.
    """
    with written(output) as file:
        FORMS[form](rows(state), file)


def _json_lines(told: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    for row in told:
        file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _csv(told: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(map(_flat, told))
    text.detach()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    evidence = row["evidence"]
    return row | {
        **_parts("prediction", row["prediction"]),
        **_parts("sanitised_prediction", row["sanitised_prediction"]),
        "evidence": None if evidence is None else orjson.dumps(evidence).decode(),
    }


def _parts(name: str, said: Said | dict[str, Any] | None) -> dict[str, Any]:
    facts: Any = said or {}
    return {
        name: facts.get("index"),
        f"{name}_label": facts.get("label"),
        f"{name}_score": facts.get("score"),
    }


FORMS: Final[dict[str, Callable[[Iterator[dict[str, Any]], IO[bytes]], None]]] = {
    "jsonl": _json_lines,
    "csv": _csv,
    "parquet": lambda told, file: write_parquet(map(_flat, told), file),
    "sarif": write_sarif,
}
"""The ways to write rows, by what --format calls them."""


@contextmanager
def written(output: str) -> Iterator[IO[bytes]]:
    """Open the file *output*, which is written as a whole or not at all. Raises OSError.

    Its words name the file, as those of a full disk don't.
    """
    try:
        with _open(output) as file:
            yield file
    except OSError as exc:
        name = "the standard output" if output == STDOUT else output
        message = f"{name}: {exc.strerror or exc}"
        raise OSError(message) from exc


@contextmanager
def _open(output: str) -> Iterator[IO[bytes]]:
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if is_stream(output):
        with Path(output).open("wb") as file:
            yield file
        return
    part = Path(f"{output}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, output)  # noqa: PTH105
    finally:
        part.unlink(missing_ok=True)
