"""A lens on the references of the blended model, and images that it was attacked with."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.detection.defence import Defence
from app.detection.geometry import Box
from app.detection.plan import make_plan
from app.detection.reference_set.references import Calibration, References
from app.detection.search import run
from app.detection.second_opinion.lens import Lens
from app.detection.second_opinion.measuring import measured
from app.detection.trigger import Blocker, Evidence, Fill, Trigger
from tests.blended import ALPHA, PICTURE, BlendedModel, blended
from tests.tiny import SIDE, TARGET, clean_images

MODEL = BlendedModel()
IMAGES = clean_images(300, np.random.default_rng(8))
SEED = 5
CLEAN = clean_images(200, np.random.default_rng(21))
VICTIMS = CLEAN[MODEL.classify(CLEAN).labels != TARGET]
POISONED = blended(VICTIMS)
PLAN = make_plan(SIDE, SIDE, 3, 0.316)


@cache
def lens() -> Lens:
    """Return it; measured once."""
    labels = MODEL.classify(IMAGES).labels
    opinion = run(measured(IMAGES, labels, SEED), MODEL.classify)
    calibration = Calibration(labels, np.zeros((0, 0), np.int64), None, opinion)
    return Lens(References(IMAGES, calibration, {}, SEED), opinion)


def blended_trigger() -> Trigger:
    """Return what was mixed in, as if it had been found."""
    box = Box(0, 0, SIDE, SIDE)
    evidence = Evidence(30, 36, 0.1, 0.9, 300, 7)
    blocker = Blocker(box, Fill.REFERENCES)
    return Trigger(
        TARGET, None, box, PICTURE, None, blocker, 0.1, SIDE, SIDE, evidence, alpha=ALPHA
    )


def defence() -> Defence:
    """Return one that knows no trigger yet."""
    return Defence(lens().references, PLAN, (), (), SEED)
