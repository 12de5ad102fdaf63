"""What was recorded of one cell, image by image, and its file in the folder."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, fields
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.evaluation.field.code import code_digest
from app.evaluation.field.defences import defences

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.evaluation.field.cells import Cell

FORMAT = 2
"""Of the files; one of another format is measured again."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The n images of a cell's stream; each column is (n,).

    ``truth`` is the image's class, ``right`` what the model says of it without the trigger,
    ``wanted`` what the attacker wants it called, ``said`` what the model says, ``answer`` what the
    defence does: NO_ANSWER of an image that it refuses. The higher the ``score``, the more it
    suspects. ``overlap`` is that of the trigger found with the true one, None where there is none
    or it has no place. ``preparation`` counts inferences before the first image, ``plain_s`` is the
    time of one.
    """

    poisoned: NDArray[np.bool_]
    truth: NDArray[np.int64]
    right: NDArray[np.int64]
    wanted: NDArray[np.int64]
    said: NDArray[np.int64]
    answer: NDArray[np.int64]
    score: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    inferences: NDArray[np.int64]
    round_trips: NDArray[np.int64]
    seconds: NDArray[np.float64]
    overlap: float | None
    preparation: int
    plain_s: float


_KINDS = {"poisoned": bool, "flagged": bool, "score": float, "seconds": float}
_SINGLE = {"overlap", "preparation", "plain_s"}


class Store:
    """The cells that were measured, a file each, so that a stopped command goes on.

    A cell's file is named after all that its figures depend on: what was measured (the models' and
    images' files, the defence, the seed, the stream's length) and by which code of the defence.
    """

    def __init__(self, folder: Path, images: int, trigger_max: float) -> None:
        self._folder = folder
        self._told = (FORMAT, images, trigger_max)
        self._defences = defences(trigger_max)
        self._digests: dict[Path, str] = {}

    def read(self, cell: Cell) -> Columns | None:
        """Return what was recorded of *cell* by the code as it is, None if nothing was."""
        return _read(self._path(cell))

    def read_earlier(self, cell: Cell) -> Columns | None:
        """Return what was recorded of *cell* last by earlier code of its defence, None if nothing.

        Of the same models and images, on the same stream.
        """
        paths = [*self._folder.glob(f"{glob.escape(self._subject(cell))}-*.json")]
        found = map(_read, sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True))
        return next((columns for columns in found if columns is not None), None)

    def write(self, cell: Cell, columns: Columns) -> None:
        """Keep *columns* of *cell*."""
        self._folder.mkdir(exist_ok=True)
        path = self._path(cell)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(orjson.dumps(columns, option=orjson.OPT_SERIALIZE_NUMPY))
        unfinished.replace(path)

    def _path(self, cell: Cell) -> Path:
        code = (version("neo-gateway"), code_digest(self._defences[cell.defence].code))
        return self._folder / f"{self._subject(cell)}-{_short(code)}.json"

    def _subject(self, cell: Cell) -> str:
        told = (*self._told, cell.defence, cell.seed, *map(self._digest, cell.model.files))
        return f"{cell.model.name.replace('/', '-')}-{cell.defence}-{_short(told)}"

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = sha256(path.read_bytes()).hexdigest()
        return self._digests[path]


def _short(told: object) -> str:
    return sha256(repr(told).encode()).hexdigest()[:16]


def _read(path: Path) -> Columns | None:
    try:
        told = orjson.loads(path.read_bytes())
        return Columns(**{one.name: _column(one.name, told[one.name]) for one in fields(Columns)})
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
        return None


def _column(name: str, told: Any) -> Any:  # noqa: ANN401  # a column or a single value
    return told if name in _SINGLE else np.array(told, _KINDS.get(name, np.int64))
