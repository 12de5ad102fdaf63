"""What a log may have of an error: what it is and where it was raised, never its text.

An error's text may quote what came from outside: a key, pixels, an upstream's or a caller's body.
So the log's own format leaves it out, whoever writes and whatever library the error is from. An
error of ours that quotes nothing has a ``summary``, which says more.
"""

from __future__ import annotations

import copy
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

FORMAT: Final = "%(levelname)s %(name)s: %(message)s"

TALKATIVE: Final = ("python_multipart",)
"""Libraries that log bytes of what callers send, and as often as they send it."""

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[1]


def write_log(level: int = logging.WARNING) -> None:
    """Let the process write its log, at least of *level*, without the texts of errors.

    Also what a library has prepared before: uvicorn, if it was started on its own.
    """
    logging.basicConfig(level=level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for handler in (*logging.getLogger().handlers, *logging.getLogger("uvicorn").handlers):
        handler.setFormatter(Discreet(FORMAT))


def told(error: BaseException) -> str:
    """Return what a log may have of *error*, in one line."""
    summary = getattr(error, "summary", None)
    if summary is not None:
        return str(summary)
    causes = [type(error).__name__]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        causes.append(type(cause).__name__)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {_place(frames[-1])}" if frames else ""
    return " from ".join(causes) + where


def tell_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task has handled; asyncio's own way would tell the error's text."""
    logger.error("%s", context["message"], exc_info=context.get("exception"))


class Discreet(logging.Formatter):
    """The format of the log. Of an error it has the class and the places, of its causes as well."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, for *record*."""
        record = copy.copy(record)
        record.exc_text = None  # another formatter's
        if isinstance(record.args, tuple):
            record.args = tuple(
                told(one) if isinstance(one, BaseException) else one for one in record.args
            )
        return super().format(record)

    def formatException(  # noqa: N802  # logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return where the error came from, innermost last."""
        return "" if ei[1] is None else "\n".join(_traced(ei[1]))


def _traced(error: BaseException) -> list[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [] if before is None else [*_traced(before), "and then:"]
    lines += [f"  {_place(frame)}" for frame in traceback.extract_tb(error.__traceback__)]
    lines.append(type(error).__qualname__)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            lines += ["of which:", *_traced(one)]
    return lines


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    name = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return f"{name}:{frame.lineno} in {frame.name}"
