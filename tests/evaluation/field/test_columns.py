"""What is recorded of a cell, on disk."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.field.cells import Cell
from app.evaluation.field.columns import Columns, Store
from app.evaluation.field.models import models
from tests.evaluation.field.folders import tiny_field
from tests.evaluation.field.recorded import columns

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    """Every column with its kind, and the single values."""
    cell = Cell(models(tiny_field(tmp_path))[0], "strip", 0)
    store, written = Store(tmp_path / "measured", 50, 0.1), columns([0, 1.5, 2], poisoned=1)
    store.write(cell, written)
    read = store.read(cell)
    assert read is not None
    for one in fields(Columns):
        before, after = getattr(written, one.name), getattr(read, one.name)
        assert np.array_equal(before, after), one.name
        assert np.asarray(before).dtype == np.asarray(after).dtype, one.name


def test_only_the_same_cell_is_found(tmp_path: Path) -> None:
    """Not of another seed, defence or length, nor after the model was trained again."""
    model = models(tiny_field(tmp_path))[0]
    cell, store = Cell(model, "strip", 0), Store(tmp_path / "measured", 50, 0.1)
    store.write(cell, columns([0, 1], poisoned=1))
    others = [replace(cell, seed=1), replace(cell, defence="teco")]
    assert [None, None] == [store.read(other) for other in others]
    assert Store(tmp_path / "measured", 60, 0.1).read(cell) is None
    with (model.folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert Store(tmp_path / "measured", 50, 0.1).read(cell) is None


def test_what_earlier_code_was_measured_on_is_found_if_asked_for(tmp_path: Path) -> None:
    """The latest that can be read, of the same cell; what is measured now isn't taken for it."""
    cell = Cell(models(tiny_field(tmp_path))[0], "strip", 0)
    folder = tmp_path / "measured"
    store = Store(folder, 50, 0.1)
    assert store.read_earlier(cell) is None
    for day in (1, 2, 3):
        store.write(cell, columns([0, day], poisoned=1))
        (now,) = set(folder.glob("*.json")) - set(folder.glob("*-day*.json"))
        earlier = now.rename(now.with_name(f"{now.stem.rpartition('-')[0]}-day{day}.json"))
        os.utime(earlier, (day, day))
    assert store.read(cell) is None
    (latest,) = folder.glob("*-day3.json")
    latest.write_bytes(b"{}")
    found = store.read_earlier(cell)
    assert found is not None
    assert [0, 2] == found.score.tolist()
    others = [replace(cell, seed=1), replace(cell, defence="teco")]
    assert [None, None] == [store.read_earlier(other) for other in others]


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    """What can't be read was not recorded."""
    cell = Cell(models(tiny_field(tmp_path))[0], "strip", 0)
    store = Store(tmp_path / "measured", 50, 0.1)
    store.write(cell, columns([0, 1], poisoned=1))
    (path,) = (tmp_path / "measured").glob("*.json")
    path.write_bytes(path.read_bytes()[:40])
    assert store.read(cell) is None
    path.write_bytes(b"{}")
    assert store.read(cell) is None
