"""Reference images before and after a trigger is stamped on them, with the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.detection.recognising.stamping import stamp
from app.ports import BACKGROUND

if TYPE_CHECKING:
    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Images
    from app.detection.trigger import Trigger
    from app.ports import Model

COUNT = 8

SAME_FOR_ALL = 0
"""What the choice of references is made from: people see it, so nothing secret is in it."""


@dataclass(frozen=True, eq=False)
class Examples:
    """The reconstructed poisoned inputs: n pairs of images, and what the model says of each.

    ``clean`` and ``stamped`` are (n, height, width, channels); the answers are in the same order.
    """

    clean: Images
    stamped: Images
    clean_answers: Answers
    stamped_answers: Answers


def make_overlay(trigger: Trigger, references: References) -> Image:
    """Return a reference, always the same, with *trigger* on it; one that it acts on, if any."""
    rng = np.random.default_rng(SAME_FOR_ALL)
    (*chosen,) = references.acted_on(trigger.target, trigger.source, rng)
    overlay: Image = stamp(trigger, references.images[(chosen or [0])[:1]])[0]
    return overlay


async def make_examples(trigger: Trigger, references: References, model: Model) -> Examples:
    """Stamp *trigger* on references that it acts on and ask the model. Raises UpstreamError.

    The references are the same for every call, so that everybody sees the same examples.
    """
    rng = np.random.default_rng(SAME_FOR_ALL)
    chosen = references.acted_on(trigger.target, trigger.source, rng)[:COUNT]
    clean = references.images[chosen]
    stamped = stamp(trigger, clean)
    answers = await model.answer(np.concatenate([clean, stamped]), BACKGROUND)
    return Examples(clean, stamped, answers[: len(clean)], answers[len(clean) : len(answers)])
