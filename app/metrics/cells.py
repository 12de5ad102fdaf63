"""Numbers that one thread of a process counts in, and all workers of a gateway can read.

A request counts in a dozen places. prometheus_client's own values take a lock and write a record
each time: together more than ten microseconds a request, where several workers serve. A number here
is eight bytes of memory: where PROMETHEUS_MULTIPROC_DIR names a folder, of a file in it that the
process has mapped, one file a worker.
"""

from __future__ import annotations

import mmap
import os
from array import array
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder of the workers' counts in the environment; prometheus_client reads it, too."""

VERSION: Final = version("neo-gateway")

CAPACITY: Final = 2048
"""How many numbers there is room for."""

_SIZE: Final = 8 * CAPACITY
_NAME: Final = f"cells-{VERSION}_"
"""Of the files: another release, which a restart of the workers may bring, has others in them."""


class Cells:
    """The numbers of this process, all 0 at first; whoever counts takes some of them, once."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER)
        self._all = memoryview(bytearray(_SIZE) if folder is None else _mapped(folder)).cast("d")
        self._taken = 0

    def take(self, count: int) -> slice:
        """Return the place of *count* numbers that nobody else counts in.

        It is the same in every process: only this package's modules take some, in a fixed order.
        """
        place = slice(self._taken, self._taken + count)
        if place.stop > CAPACITY:
            message = f"CAPACITY ({CAPACITY}) is too small"
            raise ValueError(message)
        self._taken = place.stop
        return place

    def at(self, place: slice) -> memoryview[float]:
        """Return the numbers at *place*, to be counted in."""
        return self._all[place]

    def all(self) -> array[float]:
        """Return all numbers as they are now."""
        return array("d", self._all)


def read_cells(folder: Path) -> Iterator[tuple[int, array[float]]]:
    """Yield the process id and the numbers of each worker that has counted in *folder*."""
    for path in folder.glob(f"{_NAME}*"):
        numbers = array("d", path.read_bytes())
        if len(numbers) == CAPACITY:  # else it is only about to be written
            yield int(path.name.removeprefix(_NAME)), numbers


def write_cell(folder: Path, pid: int, place: int, number: float) -> None:
    """Write one *number* of the worker *pid*, which doesn't count it itself."""
    with (folder / f"{_NAME}{pid}").open("r+b") as file:
        file.seek(8 * place)
        file.write(array("d", [number]).tobytes())


def _mapped(folder: str) -> mmap.mmap:
    """Map this process's own file, or that of one before it which had the same id."""
    path = Path(folder) / f"{_NAME}{os.getpid()}"
    with path.open("a+b") as file:
        file.truncate(_SIZE)
        return mmap.mmap(file.fileno(), _SIZE)


CELLS: Final = Cells()
