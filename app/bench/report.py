"""What was measured, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson
from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.bench.comparing import Comparison
    from app.bench.load import Load

HEAD = (
    "Clients",
    "Direct p50",
    "p95",
    "a second",
    "Gateway p50",
    "p95",
    "a second",
    "p50 ×",
    "Inferences an image",
    "Flagged",
)


@dataclass(frozen=True)
class Way:
    """One way to the model: times in milliseconds, and requests a second."""

    p50_ms: float
    p95_ms: float
    rate: float


@dataclass(frozen=True)
class Figures:
    """A comparison in figures. ``ratio`` is that of the medians.

    ``inferences`` is the mean an image, its own included, None if none was answered.
    """

    strategy: str
    clients: int
    requests: int
    direct: Way
    gateway: Way
    ratio: float
    inferences: float | None
    flagged: int
    refused: dict[str, int]


def figures(comparison: Comparison) -> Figures:
    """Return *comparison* in figures."""
    direct, gateway = _way(comparison.direct), _way(comparison.gateway)
    replies = comparison.gateway.replies
    answered = [reply for reply in replies if reply.refused is None]
    return Figures(
        strategy=comparison.strategy,
        clients=comparison.clients,
        requests=len(replies),
        direct=direct,
        gateway=gateway,
        ratio=gateway.p50_ms / direct.p50_ms,
        inferences=sum(one.inferences for one in answered) / len(answered) if answered else None,
        flagged=sum(reply.flagged for reply in answered),
        refused=Counter(reply.refused for reply in replies if reply.refused is not None),
    )


def table(strategy: str, rows: Sequence[Figures]) -> Table:
    """Return the figures of one *strategy*."""
    shown = Table(title=f"NEO_STRATEGY={strategy}", title_justify="left", box=box.SIMPLE_HEAD)
    for name in HEAD:
        shown.add_column(name, justify="right")
    for row in rows:
        shown.add_row(*_cells(row))
    return shown


def notes(rows: Sequence[Figures]) -> list[str]:
    """Return what is to be said of *rows* beside the table."""
    sent, flagged = sum(row.requests for row in rows), sum(row.flagged for row in rows)
    said = ["Times in ms; direct calls are one image each."]
    if flagged:
        said.append(f"{flagged} of {sent} images were flagged: false alarms, if all are clean.")
    refused: Counter[str] = sum((Counter(row.refused) for row in rows), Counter())
    for reason, count in refused.most_common(3):
        said.append(f"{count} of {sent} images were refused: {reason}")
    return said


def document(rows: Sequence[Figures], facts: dict[str, Any]) -> bytes:
    """Return *facts* and all figures as JSON."""
    told = facts | {"figures": [asdict(row) for row in rows]}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _way(load: Load) -> Way:
    return Way(load.milliseconds(50), load.milliseconds(95), load.rate)


def _cells(row: Figures) -> tuple[str, ...]:
    ways = [
        word
        for way in (row.direct, row.gateway)
        for word in (f"{way.p50_ms:.2f}", f"{way.p95_ms:.2f}", f"{way.rate:,.0f}")
    ]
    inferences = "–" if row.inferences is None else f"{row.inferences:.1f}"
    flagged = f"{row.flagged} of {row.requests}"
    return (str(row.clients), *ways, f"{row.ratio:.2f}", inferences, flagged)
