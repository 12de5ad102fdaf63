"""What is said of the model's input: by NEO_INPUT_…, or by the options of a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ports import InputSize
    from app.settings.choices import Layout


@dataclass(frozen=True)
class Normalisation:
    """x * ``scale``, then (x - ``mean``) / ``std``: one number for all channels or one for each."""

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class InputSettings:
    """What the owner says of the model's input; None is told from the model's metadata."""

    size: InputSize | None = None
    layout: Layout | None = None
    normalisation: Normalisation = field(default_factory=Normalisation)
    datatype: str | None = None
