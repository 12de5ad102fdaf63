"""What there is to scan: from the paths that were given to every picture, in a fixed order.

Nothing is kept: the items go by one at a time, however many there are.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from app.scan.sources.archives import listed_tar, listed_zip
from app.scan.sources.arrays import listed_array
from app.scan.sources.items import Item, Kind, Place, SourceError, shown
from app.scan.sources.manifests import MANIFESTS, listed_paths
from app.scan.sources.names import PICTURES, ending, is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ARCHIVES: Final = {
    ".zip": listed_zip,
    ".npz": listed_array,
    ".tar": listed_tar,
    ".tgz": listed_tar,
    ".tbz2": listed_tar,
    ".txz": listed_tar,
}


def listed(paths: Sequence[str]) -> Iterator[Item]:
    """Yield what is at *paths*, each a file, a folder, an archive or a manifest.

    Raises SourceError where one of them can't be scanned at all.
    """
    for path in paths:
        try:
            yield from _listed(path)
        except OSError as exc:
            message = f"{shown(path)}: {exc.strerror or exc}"
            raise SourceError(message) from exc


def _listed(path: str) -> Iterator[Item]:
    if os.path.isdir(path):  # noqa: PTH112  # names that aren't text stay as they are
        yield from _folder(path)
    elif not os.path.exists(path):  # noqa: PTH110
        message = f"{shown(path)}: there is nothing of this name"
        raise SourceError(message)
    elif PurePath(path).suffix.lower() in MANIFESTS:
        for one in listed_paths(Path(path)):
            yield from _file(one)
    else:
        yield from _file(path)


def _folder(top: str) -> Iterator[Item]:
    """Yield what is in a folder and below it, by name; hidden files and loops are left out."""
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            suffix = ending(name)
            if not is_hidden(name) and (suffix in PICTURES or suffix in ARCHIVES):
                yield from _file(os.path.join(folder, name))  # noqa: PTH118


def _file(path: str) -> Iterator[Item]:
    if lister := ARCHIVES.get(ending(path)):
        yield from lister(path)
        return
    place = Place(Kind.FILE, os.path.abspath(path))  # noqa: PTH100
    try:
        facts = os.stat(path)  # noqa: PTH116
    except OSError as exc:
        yield Item(shown(path), place, reason=exc.strerror)
        return
    if not stat.S_ISREG(facts.st_mode):
        yield Item(shown(path), place, reason="not a file of bytes")
        return
    stamp = f"{facts.st_size}:{facts.st_mtime_ns}"
    yield Item(shown(path), place, stamp, int(facts.st_mtime))
