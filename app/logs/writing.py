"""The process's log: what is written, in which form."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app.logs.formats import WORDS, Discreet, Json, Text
from app.logs.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Iterator

TALKATIVE: Final = ("python_multipart",)
"""Libraries that log bytes of what callers send, and as often as they send it."""

OURS: Final = "app"
"""Our own loggers. A library's words that are less than a warning are never written: some quote
what they read."""


def write_log(level: int = logging.WARNING, form: logging.Formatter | None = None) -> None:
    """Let the process write its log, at least of *level*, without the texts of errors.

    In the *form* `Text` or `Json` it is a service's, which says no trouble again and again. Also
    what a library has prepared before: uvicorn, if it was started on its own.
    """
    logging.raiseExceptions = False  # what it prints where writing fails has the errors' texts
    logging.basicConfig()
    logging.getLogger().setLevel(max(level, logging.WARNING))
    logging.getLogger(OURS).setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    repeats = Repeats()
    for handler in (*logging.getLogger().handlers, *logging.getLogger("uvicorn").handlers):
        handler.setFormatter(form or Discreet(WORDS))
        for former in [one for one in handler.filters if isinstance(one, Repeats)]:
            handler.removeFilter(former)
        if isinstance(form, (Text, Json)):
            handler.addFilter(repeats)


@contextmanager
def only_errors() -> Iterator[None]:
    """Leave our own warnings out of the log: a command tells by itself what they are about."""
    logger = logging.getLogger(OURS)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
