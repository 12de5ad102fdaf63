"""How each defence of the table is set, and who has chosen that: a part of what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.detection.paper import Parameters
from app.evaluation.baselines.corruptions import CORRUPTIONS, SEVERITIES
from app.evaluation.baselines.opinions import FALSE_REJECTIONS
from app.evaluation.baselines.patch_cleanser import MASKS
from app.evaluation.baselines.scale_up import NOISE, SCALES
from app.evaluation.field.defences import Ours, defences
from app.evaluation.field.measuring import GAUGED
from app.evaluation.runs.strip import OVERLAYS
from app.settings import Settings, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Setting:
    """The ``values`` of a defence, who has ``chosen`` them, and what it ``needs`` of the model."""

    values: str
    chosen: str
    needs: str


def hyperparameters(trigger_max: float) -> Mapping[str, Setting]:
    """Return how each defence is set where the patch's side is *trigger_max* of the image's."""
    patch = f"a patch of up to {trigger_max:g} of the side"
    line = f"flags above what {100 * FALSE_REJECTIONS:g} % of {GAUGED} clean references exceed"
    others = {
        "strip": Setting(
            f"{OVERLAYS} overlays; {line}, by the normal distribution", "its paper", "scores"
        ),
        "scale-up": Setting(
            f"pixels times {SCALES.start} to {SCALES.stop - 1}, noise of {NOISE:g}; {line}",
            "its authors' code",
            "labels",
        ),
        "teco": Setting(
            f"{len(CORRUPTIONS)} corruptions in {len(SEVERITIES)} severities, one after the other"
            f" on one image; {line}",
            "its authors' code, the corruptions' parameters by memory",
            "labels",
        ),
        "patchcleanser": Setting(
            f"{MASKS} masks a side; {patch}; no line",
            "its authors' code; the patch as ours",
            "labels",
        ),
    }
    return {
        name: _ours(one, patch) if isinstance(one, Ours) else others[name]
        for name, one in defences(trigger_max).items()
    }


def _ours(defence: Ours, patch: str) -> Setting:
    defaults = Settings.model_fields
    if defence.strategy is Strategy.PAPER:
        positions = Parameters().positions
        values = (
            f"Λ_T {defaults['lambda_t'].default:g}, Δ_T {defaults['delta_t'].default:g},"
            f" k {defaults['check_size'].default}, N {positions}; {patch}"
        )
        return Setting(values, "its paper", "scores or labels")
    opinion = (
        ""
        if defence.second_opinion is None
        else f"; suspicious: {100 * defence.second_opinion:g} %"
    )
    return Setting(f"{patch}{opinion}", "the settings' defaults, for no model", "labels")
