"""What `neo-gateway scan` is asked to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from app.scan.looking.model import GatewaySource, ModelSource
    from app.scan.planning import Passes


class OptionError(Exception):
    """Options are missing or contradict each other: one line that names them and the mend."""


class EngineName(enum.StrEnum):
    """Where pictures are looked at."""

    LOCAL = "local"
    """In processes of this machine."""
    RAY = "ray"
    """By actors of Ray, here or on a cluster."""


@dataclass(frozen=True)
class Options:
    """``state`` is None where nobody can go on from it; ``seed`` None where it is to be drawn.

    ``ray_address`` is None where Ray is to be started here; ``processes`` None for as many as the
    cluster there has cores.
    """

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
    engine: EngineName
    ray_address: str | None
    processes: int | None
    yes: bool
