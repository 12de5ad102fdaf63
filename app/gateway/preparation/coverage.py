"""For what there are too few references, and what isn't found then: for the log and `/readyz`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.evidence.confirmation import fewest_references
from app.detection.second_opinion.lens import least_measured

if TYPE_CHECKING:
    from app.detection.reference_set.references import References
    from app.detection.second_opinion.lens import Lens

BLIND: Final = 0.3
"""How often clean residues carry where they hardly differ from a trigger's: half of the time on
photographs of 224 pixels, 0.02 to 0.07 on digits and signs."""

NAMED: Final = 5
"""Classes that are named; of a thousand the whole list is no help."""


def uncovered(references: References) -> str | None:
    """Say which classes have too few of *references* for a trigger that acts on one of them alone.

    None if each has enough. Classes without any are counted where the model gives scores.
    """
    enough = fewest_references()
    classes, counts = np.unique(references.labels, return_counts=True)
    scores = references.calibration.canary_scores
    known = len(classes) if scores is None else scores.shape[1]
    few = [(int(c), int(n)) for c, n in zip(classes, counts, strict=True) if n < enough]
    if not few and known == len(classes):
        return None
    named = [f"class {label} has {count}" for label, count in few[:NAMED]]
    if len(few) > NAMED:
        named.append(f"{len(few) - NAMED} more have too few")
    if known > len(classes):
        named.append(f"{known - len(classes)} have none")
    message = (
        f"{len(few) + known - len(classes)} of {known} classes have fewer than {enough} references"
        f" ({', '.join(named)}): a trigger that acts on one of these classes alone isn't found;"
        f" {enough} of each, as the model answers them, would do"
    )
    return message  # noqa: RET504  # a message's name: the documents are held to it


def unknown(references: References) -> str | None:
    """Say of how many classes there is no one of *references*, if the model's scores tell.

    What such a class looks like isn't known: how often a part of it carries is taken from other
    classes, so that now and then one that is enough for the model is taken for a trigger.
    """
    scores = references.calibration.canary_scores
    if scores is None:
        return None
    known, shown = scores.shape[1], len(np.unique(references.labels))
    if known == shown:
        return None
    message = (
        f"of {known - shown} of {known} classes there is no reference: clean images of these may be"
        f" flagged, and answered as another class"
    )
    return message  # noqa: RET504  # as above


def speechless(lens: Lens | None, rate: float | None) -> str | None:
    """Say if a second opinion at this *rate* finds nothing: by too few references, or by nature."""
    if lens is None or rate is None:
        return None
    least = least_measured(rate)
    if lens.measured < least:
        message = (
            f"the second opinion calls nothing suspicious: it was measured on {lens.measured}"
            f" references, and a rate of {rate:g} takes {least}; half of all are measured"
        )
        return message  # noqa: RET504  # as above
    if lens.carrying > BLIND:
        message = (
            f"the second opinion finds little: what is left of clean images carries their class in"
            f" {lens.carrying:.0%} of the probes, as a trigger would"
        )
        return message  # noqa: RET504  # as above
    return None
