"""The forms of a record: words for a terminal, a line of text, an object of JSON in a line.

A record may have more than its message: ``request_id`` of the request that it is about,
``repeated`` (how often the same was to be said since it was said last), and the event that it
tells.
"""

from __future__ import annotations

import copy
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.logs.errors import told_among, traced

if TYPE_CHECKING:
    from types import TracebackType

WORDS: Final = "%(levelname)s %(name)s: %(message)s"
LINE: Final = f"%(asctime)s %(process)d {WORDS}"
MORE: Final = ("request_id", "repeated", "event", "event_id", "facts")
"""What a record may have more, as its line of JSON has it."""


class Discreet(logging.Formatter):
    """The format of the log. Of an error it has the class and the places, of its causes as well."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, for *record*."""
        return super().format(_discreet(record))

    def formatException(  # noqa: N802  # logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return where the error came from, innermost last."""
        return "" if ei[1] is None else "\n".join(traced(ei[1]))


class Text(Discreet):
    """A line with the time, the worker's process and what else is known."""

    def __init__(self) -> None:
        super().__init__(LINE)

    def formatTime(  # noqa: N802  # logging's name
        self,
        record: logging.LogRecord,
        datefmt: str | None = None,  # noqa: ARG002
    ) -> str:
        """Return the time of *record*."""
        return _time(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the line for *record*, an error's places left out."""
        line = super().formatMessage(record)
        if repeated := getattr(record, "repeated", None):
            line += f" ({repeated} times)"
        if request_id := getattr(record, "request_id", None):
            line += f" [request {request_id}]"
        return line


class Json(Discreet):
    """An object: time, level, worker, logger, message, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for *record*."""
        record = _discreet(record)
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "worker": record.process,
            "logger": record.name,
            "message": record.getMessage().encode(errors="backslashreplace").decode(),
        }
        fields |= {name: getattr(record, name) for name in MORE if getattr(record, name, None)}
        if record.exc_info and record.exc_info[1]:
            fields["trace"] = traced(record.exc_info[1])
        return orjson.dumps(fields, default=str).decode()


def _discreet(record: logging.LogRecord) -> logging.LogRecord:
    """Return *record* without the text of any error."""
    words = record.args if isinstance(record.args, tuple) else ()
    if record.exc_text is None and not any(isinstance(one, BaseException) for one in words):
        return record
    record = copy.copy(record)
    record.exc_text = None  # another formatter's
    record.args = tuple(told_among(words)) or record.args
    return record


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
