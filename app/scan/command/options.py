"""What `neo-gateway scan` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from app.scan.looking.model import GatewaySource, ModelSource
    from app.scan.planning import Passes


class OptionError(Exception):
    """Options are missing or contradict each other: one line that names them and the mend."""


@dataclass(frozen=True)
class Options:
    """``state`` is None where nobody can go on from it; ``seed`` None where it is to be drawn."""

    paths: tuple[str, ...]
    source: ModelSource | GatewaySource
    passes: Passes | None
    prevalence: float
    seed: int | None
    output: str
    form: str
    report: Path | None
    state: str | None
    register: str | None
    key: str | None
    restart: bool
    processes: int
    yes: bool
