"""A lens that is measured on the references of the striped model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Progress
from app.detection.reference_set.references import Calibration, References
from app.detection.search import run
from app.detection.second_opinion.lens import Lens
from app.detection.second_opinion.measuring import measured
from app.detection.second_opinion.opining import rarity
from tests.striped import StripedModel
from tests.tiny import clean_images

if TYPE_CHECKING:
    from app.detection.search import Images

MODEL = StripedModel()
IMAGES = clean_images(300, np.random.default_rng(8))
SEED = 5


@cache
def lens() -> Lens:
    """Return it; measured once."""
    labels = MODEL.classify(IMAGES).labels
    opinion = run(measured(IMAGES, labels, SEED), MODEL.classify)
    calibration = Calibration(labels, np.zeros((0, 0), np.int64), None, opinion)
    return Lens(References(IMAGES, calibration, {}, SEED), opinion)


def rarities(images: Images) -> list[float]:
    """Return how rare each of *images* (n, h, w, c) is."""
    said = [Progress(said=MODEL.classify(image[None])) for image in images]
    return [
        run(rarity(image, lens(), draw, progress), MODEL.classify)
        for draw, (image, progress) in enumerate(zip(images, said, strict=True))
    ]
