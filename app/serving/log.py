"""The log of the service, as its settings have it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.logs import write_log
from app.logs.formats import Json, Text
from app.settings import LogFormat

if TYPE_CHECKING:
    from app.settings import Settings


def write_service_log(settings: Settings) -> None:
    """Write this process's log as NEO_LOG_LEVEL and NEO_LOG_FORMAT say."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    write_log(level, Json() if settings.log_format is LogFormat.JSON else Text())
