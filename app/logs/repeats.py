"""Trouble that goes on is said once, and then from time to time with how often it was."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from app.logs.errors import told_among
from app.rations import Rations

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN_S: Final = 30.0


class Repeats(logging.Filter):
    """Lets a warning or an error pass if it wasn't said in the last `AGAIN_S`; else counts it.

    Other words are another trouble, another request's number isn't. What has to be said ``each``
    time passes. *clock* is in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._rations = Rations(AGAIN_S, clock)

    def filter(self, record: logging.LogRecord) -> bool:
        """Say if *record* is to be written; note in it how often it was to be."""
        if record.levelno < logging.WARNING or getattr(record, "each", False):
            return True
        words = record.args if isinstance(record.args, tuple) else ()
        trouble = record.name, record.levelno, record.msg, *map(str, told_among(words))
        count = self._rations.take(trouble)
        if count > 1:
            record.repeated = count
        return count > 0
