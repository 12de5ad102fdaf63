"""The defences of the table, by name: ours, NEO by the book, and others by their papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from app.evaluation.baselines.opinions import Baseline, by_normal_distribution, by_quantile
from app.evaluation.baselines.patch_cleanser import CORRECTED, PatchCleanser
from app.evaluation.baselines.scale_up import scale_up
from app.evaluation.baselines.strip import strip
from app.evaluation.baselines.teco import teco
from app.settings import Settings, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Ours:
    """A strategy of the gateway, with a second opinion at a rate of false alarms, or without."""

    code: ClassVar = ("detection", "gateway", "library", "evaluation/runs")
    """The folders of the program whose code it consists of, within `app`."""

    strategy: Strategy
    second_opinion: float | None = None


@dataclass(frozen=True)
class Other:
    """Another defence. Above the ``line``, drawn through the scores of references, it flags.

    ``corrects``: what it flags gets another answer; otherwise none.
    """

    code: ClassVar = ("evaluation/baselines",)

    look: Baseline
    line: Callable[[NDArray[np.float64]], float]
    corrects: bool = False
    gauged: bool = True
    """Whether the line depends on the references' scores."""


def defences(trigger_max: float) -> Mapping[str, Ours | Other]:
    """Return them all; *trigger_max* is the share of a side that those which ask are told."""
    rate: float = Settings.model_fields["second_opinion_fpr"].default
    return {
        "fast": Ours(Strategy.FAST),
        "full": Ours(Strategy.FULL),
        "full+opinion": Ours(Strategy.FULL, rate),
        "neo": Ours(Strategy.PAPER),
        "strip": Other(strip, by_normal_distribution),
        "scale-up": Other(scale_up, by_quantile),
        "teco": Other(teco, by_quantile),
        "patchcleanser": Other(PatchCleanser(trigger_max), _corrected, corrects=True, gauged=False),
    }


def _corrected(_: NDArray[np.float64]) -> float:
    return CORRECTED - 0.5
