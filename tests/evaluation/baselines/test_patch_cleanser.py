"""PatchCleanser: double masking."""

from __future__ import annotations

import numpy as np
import pytest

from app.detection.search import run
from app.evaluation.baselines.patch_cleanser import (
    AGREED,
    CORRECTED,
    DISPUTED,
    PatchCleanser,
)
from tests.tiny import SIDE, TARGET, TinyModel, clean_images, stamped

IMAGES = clean_images(40, np.random.default_rng(5))
REFERENCES, OTHERS = IMAGES[:20], IMAGES[20:]
DEFENCE = PatchCleanser(2 / SIDE)


@pytest.mark.parametrize("side", [16, 28, 48])
def test_some_mask_covers_any_patch(side: int) -> None:
    """At most 6 by 6 masks, one of which hides a patch of the declared size wherever it is."""
    masks = PatchCleanser(3 / side).masks((side, side))
    assert len(masks) <= 36
    for corner in range(side - 2):
        patch = slice(corner, corner + 3)
        assert any(rows.start <= patch.start and patch.stop <= rows.stop for rows, _ in masks)


def test_masks_agree_on_a_clean_image() -> None:
    """Case I: the answer is the model's own."""
    model = TinyModel()
    image = OTHERS[0]
    opinion = run(DEFENCE(image, REFERENCES, np.random.default_rng(0)), model.classify)
    assert opinion is not None
    own = model.classify(image[None]).labels[0]
    assert (AGREED, own, own) == (opinion.score, opinion.said, opinion.answer)


def test_the_mask_on_the_trigger_is_believed() -> None:
    """Case II: all second masks agree with the one that hides it; the answer is the clean one's."""
    model = TinyModel()
    image = next(one for one in OTHERS if model.classify(one[None]).labels[0] != TARGET)
    opinion = run(
        DEFENCE(stamped(image[None])[0], REFERENCES, np.random.default_rng(0)), model.classify
    )
    assert opinion is not None
    own = model.classify(image[None]).labels[0]
    assert (CORRECTED, TARGET, own) == (opinion.score, opinion.said, opinion.answer)


def test_a_dissenter_that_stands_alone_is_outvoted() -> None:
    """Case III: the second masks of each dissenter disagree, and the majority's label counts."""
    model = TinyModel()
    rng = np.random.default_rng(2)

    def predict(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> object:
        answers = model.classify(images)
        answers.labels[1:] = 0
        answers.labels[1 + rng.integers(len(images) - 1)] = 1
        return answers

    opinion = run(DEFENCE(OTHERS[0], REFERENCES, rng), predict)  # type: ignore[arg-type]
    assert opinion is not None
    assert (DISPUTED, 0) == (opinion.score, opinion.answer)
