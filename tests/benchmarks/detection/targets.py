"""The targets that the figures are held against; what has none is only reported."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.settings import SearchMode, Strategy
from tests.benchmarks.detection.subject import attack_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.evaluation.records import Stamp
    from tests.benchmarks.zoo import ZooModel

SMALL = 0.15
"""With no larger triggers to look for, as a share of the side, there is less to ask."""


@dataclass(frozen=True)
class Target:
    """A figure is to be this, or less; or where it is ``at_least`` this, or more."""

    value: float
    at_least: bool = False

    def missed(self, figure: float) -> bool:
        """Say if *figure* isn't what it is to be."""
        return figure < self.value if self.at_least else figure > self.value


class Kind(enum.Enum):
    """What there is to find."""

    NOTHING = enum.auto()
    EVERY_CLASS = enum.auto()
    """Triggers that act on every class alike."""
    SPECIAL = enum.auto()
    """Source-specific, all-to-all, in two pieces."""
    BEYOND = enum.auto()
    """Larger than what is looked for."""


@dataclass(frozen=True)
class Screening:
    """How a model is screened: with this strategy, search and largest trigger."""

    strategy: Strategy
    search: SearchMode
    trigger_max: float


def targets(model: ZooModel, screening: Screening) -> Mapping[str, Target]:
    """Return the targets by the names of `Figures`: those of issue 3, for `fast` and `full`."""
    if screening.strategy not in {Strategy.FAST, Strategy.FULL}:
        return {}
    full, kind = screening.strategy is Strategy.FULL, _kind(model, screening.trigger_max)
    return {
        **_alarms(kind, full=full),
        **_caught(model, kind, full=full),
        **_clean_costs(model, screening, full=full),
        **_other_costs(full=full),
        "cpu_ms": Target(_cpu_ms(model)),
    }


def _kind(model: ZooModel, trigger_max: float) -> Kind:
    facts = model.meta["triggers"]
    if not facts:
        return Kind.NOTHING
    if any(one["kind"] == "two-piece" for one in facts):
        return Kind.SPECIAL  # its box is large, but no piece is
    height, width, _ = model.shape
    if any(max(one["h"] / height, one["w"] / width) > trigger_max for one in facts):
        return Kind.BEYOND
    every = all(one.get("mode", "all-to-one") == "all-to-one" for one in facts)
    return Kind.EVERY_CLASS if every else Kind.SPECIAL


def _alarms(kind: Kind, *, full: bool) -> Mapping[str, Target]:
    if kind is Kind.NOTHING:
        return {"fpr": Target(0.002 if full else 0.001), "triggers": Target(0)}
    return {"fpr": Target(0.003 if full else 0.001)}


def _caught(model: ZooModel, kind: Kind, *, full: bool) -> Mapping[str, Target]:
    match kind:
        case Kind.NOTHING:
            return _agreement(model)
        case Kind.EVERY_CLASS:
            translucent = model.name == "signs_bomb"
            return _flagged(model, tpr=0.98 if translucent else 0.99, first=0.95)
        case Kind.SPECIAL if full:
            return _flagged(model, tpr=0.95, first=0.8)
        case Kind.SPECIAL | Kind.BEYOND:
            return {}


def _flagged(model: ZooModel, *, tpr: float, first: float) -> Mapping[str, Target]:
    return {
        "tpr": Target(tpr, at_least=True),
        "first_flagged": Target(first, at_least=True),
        "known_flagged_worst": Target(0.99, at_least=True),
        **_agreement(model),
        **_likeness(model),
    }


def _agreement(model: ZooModel) -> Mapping[str, Target]:
    return {"agreement": Target(0.99 if _signs(model) else 0.995, at_least=True)}


def _likeness(model: ZooModel) -> Mapping[str, Target]:
    """Return that of the reconstructed trigger: of opaque ones that stay where they are."""
    attack = attack_in(model)
    moves = any(one.get("jitter", 0) for one in model.meta["triggers"])
    if attack is None or moves or not all(map(_opaque, attack.stamps)):
        return {}
    return dict.fromkeys(("box_overlap", "pixel_overlap"), Target(0.9, at_least=True))


def _opaque(stamp: Stamp) -> bool:
    return set(np.unique(stamp.rgba[..., 3])) <= {0, 255}


def _clean_costs(model: ZooModel, screening: Screening, *, full: bool) -> Mapping[str, Target]:
    costs = {
        "clean": Target(_clean(model, screening, full=full)),
        "clean_p95": Target(90 if full else 50),
        "one_trip": Target(0.5, at_least=True),
        "trips_p95": Target(5 if full else 3),
    }
    if screening.search is SearchMode.STOP:
        costs["clean_knowing"] = Target(1.1)
    return costs


def _clean(model: ZooModel, screening: Screening, *, full: bool) -> float:
    if screening.trigger_max > SMALL:
        return 40 if full else 20
    if full:
        return 30
    return 13 if _signs(model) else 10


def _other_costs(*, full: bool) -> Mapping[str, Target]:
    return {
        "known": Target(8 if full else 6),
        "discovery": Target(600 if full else 500),
        "preparation": Target(6_000 if full else 8_000),
        "once": Target(15_000 if full else 8_000),
    }


def _cpu_ms(model: ZooModel) -> float:
    """Return 3 ms up to 48x48 and 40 ms from 224x224 on; between them it goes by the pixels."""
    height, width, _ = model.shape
    return float(np.interp(height * width, (48 * 48, 224 * 224), (3, 40)))


def _signs(model: ZooModel) -> bool:
    return model.folder.name == "signs"
