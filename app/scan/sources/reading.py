"""The bytes of pictures, one after the other; the archive that was read last stays open."""

from __future__ import annotations

import os
import zipfile
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from app.scan.sources.archives import opened_tar, read_tar, read_zip
from app.scan.sources.arrays import opened_array
from app.scan.sources.items import Content, Kind, UnreadableError

if TYPE_CHECKING:
    from app.scan.sources.items import Item, Place


class Reader:
    """Reads items, at most *most_bytes* of each. Use it as a context manager, in one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._stack = ExitStack()
        self._opened: tuple[Kind, str] | None = None
        self._archive: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive that is open."""
        self._opened = None
        self._stack.close()

    def read(self, item: Item) -> Content:
        """Return what *item* holds. Raises UnreadableError."""
        if item.reason is not None:
            raise UnreadableError(item.reason)
        place = item.place
        try:
            self._check(place.size)
            match place.kind:
                case Kind.FILE:
                    return Content(self._file(place))
                case Kind.ZIP:
                    return Content(read_zip(self._open(place), place))
                case Kind.TAR:
                    return Content(read_tar(self._open(place), place))
                case Kind.ARRAY:
                    content: Content = self._open(place).read(place)
                    return content
        except (OSError, zipfile.BadZipFile) as exc:
            reason = getattr(exc, "strerror", None) or " ".join(str(exc).split())
            raise UnreadableError(reason) from exc

    def _file(self, place: Place) -> bytes:
        # Not followed by a read without an end: it may be a device by now, or grow.
        with open(place.file, "rb") as file:  # noqa: PTH123
            self._check(os.fstat(file.fileno()).st_size)
            body = file.read(self._most_bytes + 1)
        self._check(len(body))
        return body

    def _open(self, place: Place) -> Any:  # noqa: ANN401  # as its kind has it
        if self._opened != (place.kind, place.file):
            self.close()
            match place.kind:
                case Kind.ZIP:
                    self._archive = self._stack.enter_context(zipfile.ZipFile(place.file))
                case Kind.TAR:
                    self._archive = self._stack.enter_context(closing(opened_tar(place.file)))
                case _:
                    self._archive = self._stack.enter_context(opened_array(place.file))
            self._opened = (place.kind, place.file)
        return self._archive

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            message = f"{size:,} bytes; NEO_MAX_BODY takes {self._most_bytes:,} at most"
            raise UnreadableError(message)
