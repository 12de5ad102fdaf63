"""What a log may have of an error: what it is and where it was raised, never its text."""

from __future__ import annotations

import errno
import logging
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator

logger = logging.getLogger("app.logs")

_ROOT = Path(__file__).parents[2]


def told(error: BaseException) -> str:
    """Return what a log may have of *error*, in one line."""
    summary = getattr(error, "summary", None)
    if summary is not None:
        return str(summary)
    causes = [_kind(error)]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        causes.append(_kind(cause))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {_place(frames[-1])}" if frames else ""
    return " from ".join(causes) + where


def _kind(error: BaseException) -> str:
    """Return the class of *error*, with the system's own words for its number if it has one."""
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    if number is None or number not in errno.errorcode:
        return name
    return f"{name} ({os.strerror(number).lower()})"


def told_among(words: Iterable[object]) -> Iterator[object]:
    """Yield the *words* that a message is made of, of errors what a log may have."""
    for one in words:
        yield told(one) if isinstance(one, BaseException) else one


def tell_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task has handled; asyncio's own way would tell the error's text."""
    logger.error("%s", context["message"], exc_info=context.get("exception"))


def traced(error: BaseException) -> list[str]:
    """Return where *error* came from, of its causes as well, innermost last."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [] if before is None else [*traced(before), "and then:"]
    lines += [f"  {_place(frame)}" for frame in traceback.extract_tb(error.__traceback__)]
    lines.append(type(error).__qualname__)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            lines += ["of which:", *traced(one)]
    return lines


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    name = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    return f"{name}:{frame.lineno} in {frame.name}"
