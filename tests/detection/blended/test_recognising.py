"""A known picture is taken out of the images that have it mixed in, and of no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.recognising import recognised_blend
from app.detection.defence import Finding, Known, Verdict
from tests.detection.blended.worlds import CLEAN, MODEL, POISONED, VICTIMS, blended_trigger, lens
from tests.detection.scenes import own, watched
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Image


def _finding(image: Image) -> tuple[Finding | None, int]:
    said, known = MODEL.classify(image[None]), [Known("t-1", blended_trigger())]
    search = recognised_blend(image, said, known, lens().references, lens().span)
    finding, probes = watched(search, MODEL.classify)
    return finding, own(probes)


def test_a_poisoned_image_is_answered_without_it() -> None:
    """One inference tells what it is."""
    for image, clean in zip(POISONED[:20], VICTIMS[:20], strict=True):
        finding, asked = _finding(image)
        assert finding is not None
        assert (Verdict.KNOWN, 1) == (finding.verdict, asked)
        assert finding.sanitised is not None
        right = MODEL.classify(clean[None]).labels.tolist()
        assert right == finding.sanitised.labels.tolist()


def test_a_clean_image_is_not_asked_about() -> None:
    """Those of the target are seldom asked about, and none is taken for poisoned."""
    asked = []
    for image in CLEAN:
        finding, count = _finding(image)
        assert finding is None
        asked.append(count)
    assert np.mean(asked) < 0.02


def test_another_class_is_never_asked() -> None:
    """An image that has the picture, and isn't the attacker's class, is its own."""
    trigger = blended_trigger()
    said = MODEL.classify(VICTIMS[:1])
    assert TARGET != said.labels[0]
    known = [Known("t-1", trigger)]
    search = recognised_blend(POISONED[0], said, known, lens().references, lens().span)
    finding, probes = watched(search, MODEL.classify)
    assert (None, 0) == (finding, own(probes))
