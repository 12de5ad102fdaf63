"""When spans are made and sent: where OpenTelemetry's OTEL_… variables say whither."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from app import tracing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

logger = logging.getLogger(__name__)

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
WHITHER: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
KNOWN: Final = ("otlp", "console")


@asynccontextmanager
async def exporting() -> AsyncIterator[None]:
    """Within the block spans are made and sent, if the environment says whither.

    Where that can't be it is said in the log, and nothing else happens: whoever runs a cluster may
    set the variables for everything in it.
    """
    wanted = wanted_exporter(os.environ)
    if wanted is None or not _can_be(wanted):
        yield
        return
    from app.tracing.sdk import Exported  # noqa: PLC0415  # only with the extra

    spans = Exported(console=wanted == "console")
    tracing.use(spans)
    try:
        yield
    finally:
        tracing.use(None)
        await asyncio.to_thread(spans.close)


def wanted_exporter(environment: Mapping[str, str]) -> str | None:
    """Return the exporter that *environment* asks for, by name or by an address; None if none."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    named = environment.get(EXPORTER, "").strip().lower()
    if named:
        return None if named == "none" else named
    return "otlp" if any(environment.get(name) for name in WHITHER) else None


def _can_be(wanted: str) -> bool:
    if wanted not in KNOWN:
        logger.warning("%s: no traces are sent: otlp, console and none are known", EXPORTER)
    elif find_spec("opentelemetry") is None:
        logger.warning(
            "no traces are sent, which OTEL_… variables ask for: the extra isn't installed, "
            'pip install "neo-gateway[otel]"'
        )
    else:
        return True
    return False
