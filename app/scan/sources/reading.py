"""The bytes of pictures, one after the other; the archive that was read last stays open."""

from __future__ import annotations

import os
import zipfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

from app.scan.sources.archives import opened_tar, opened_zip, read_tar, read_zip
from app.scan.sources.arrays import opened_array
from app.scan.sources.items import Content, Kind, UnreadableError
from app.scan.sources.remote import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.scan.sources.items import Item, Place


AT_ONCE: Final = 16
"""Files that are fetched from addresses at the same time."""


class Reader:
    """Reads items, at most *most_bytes* of each. Use it as a context manager, in one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._stack = ExitStack()
        self._opened: tuple[Kind, str] | None = None
        self._archive: Any = None
        self._fetching = ThreadPoolExecutor(AT_ONCE)  # which starts none before there is need

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._fetching.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Close the archive that is open."""
        self._opened = None
        self._stack.close()

    def contents(self, items: Sequence[Item]) -> Iterator[Content | UnreadableError]:
        """Yield what each of *items* holds, in their order.

        What lies at addresses is fetched some at a time: most of that is waiting.
        """
        waiting: deque[Future[Content | UnreadableError]] = deque()
        for item in items:
            if item.place.kind is Kind.ADDRESS:
                waiting.append(self._fetching.submit(self._tried, item))
            else:
                waiting.append(Future())
                waiting[-1].set_result(self._tried(item))
            while len(waiting) >= AT_ONCE or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _tried(self, item: Item) -> Content | UnreadableError:
        try:
            return self.read(item)
        except UnreadableError as exc:
            return exc

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
                case Kind.ADDRESS:
                    return Content(self._fetched(place))
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

    def _fetched(self, place: Place) -> bytes:
        body = fetch(place.file, self._most_bytes + 1)
        self._check(len(body))
        return body

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
                    self._archive = self._stack.enter_context(opened_zip(place.file))
                case Kind.TAR:
                    self._archive = self._stack.enter_context(opened_tar(place.file))
                case _:
                    self._archive = self._stack.enter_context(opened_array(place.file))
            self._opened = (place.kind, place.file)
        return self._archive

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            message = f"{size:,} bytes; NEO_MAX_BODY takes {self._most_bytes:,} at most"
            raise UnreadableError(message)
