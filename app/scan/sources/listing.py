"""What there is to scan: from the paths that were given to every picture, in a fixed order.

Nothing is kept: the items go by one at a time, however many there are.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from app.scan.sources.archives import listed_tar, listed_zip
from app.scan.sources.arrays import listed_array
from app.scan.sources.files import one_item
from app.scan.sources.items import SourceError, shown
from app.scan.sources.manifests import MANIFESTS, listed_paths
from app.scan.sources.names import PICTURES, ending, is_hidden
from app.scan.sources.remote import found_below, is_address, item_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.scan.sources.items import Item

ARCHIVES: Final = {
    ".zip": listed_zip,
    ".npz": listed_array,
    ".tar": listed_tar,
    ".tgz": listed_tar,
    ".tbz2": listed_tar,
    ".txz": listed_tar,
}


STDIN: Final = "-"
"""The path that is a list of paths on the standard input, one a line."""


def listed(paths: Sequence[str]) -> Iterator[Item]:
    """Yield what is at *paths*: each a file, a folder, an archive, a manifest or an address.

    Raises SourceError where one of them can't be scanned at all.
    """
    for path in _named(paths):
        try:
            yield from _listed(path)
        except OSError as exc:
            message = f"{shown(path)}: {exc.strerror or exc}"
            raise SourceError(message) from exc


def _named(paths: Sequence[str]) -> Iterator[str]:
    """Yield *paths*, and those of the standard input; names that aren't text stay as they are."""
    for path in paths:
        if path == STDIN:
            if sys.stdin.isatty():
                message = f"{STDIN}: pipe a list of paths into it, one a line"
                raise SourceError(message)
            lines = (os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer)
            yield from (line for line in lines if line)
        else:
            yield path


def _listed(path: str) -> Iterator[Item]:
    if is_address(path):
        yield from _below(path)
    elif os.path.isdir(path):  # noqa: PTH112  # names that aren't text stay as they are
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
    else:
        yield one_item(path)


def _below(address: str) -> Iterator[Item]:
    """Yield what is at an address and below it."""
    for path, facts in found_below(address):
        suffix = ending(path)
        if suffix in ARCHIVES:
            yield from ARCHIVES[suffix](path)
        elif suffix in PICTURES or path == address:
            yield item_of(path, facts)
