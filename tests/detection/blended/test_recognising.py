"""A known picture is taken out of the images that have it mixed in, and of no others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.recognising import recognised_blend
from app.detection.defence import Finding, Known, Progress, Verdict
from app.detection.search import Probe, advance, refuse
from tests.detection.blended.worlds import CLEAN, MODEL, POISONED, VICTIMS, blended_trigger, lens
from tests.detection.scenes import own, watched
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Image


def _finding(image: Image) -> tuple[Finding | None, int]:
    known = [Known("t-1", blended_trigger())]
    search = recognised_blend(image, known, lens().references, lens().span, Progress())
    finding, probes = watched(search, MODEL.classify)
    return finding, own(probes)


def test_a_poisoned_image_is_answered_without_it() -> None:
    """One inference beside its own tells what it is."""
    for image, clean in zip(POISONED[:20], VICTIMS[:20], strict=True):
        finding, asked = _finding(image)
        assert finding is not None
        assert (Verdict.KNOWN, 2) == (finding.verdict, asked)
        assert finding.sanitised is not None
        right = MODEL.classify(clean[None]).labels.tolist()
        assert right == finding.sanitised.labels.tolist()


def test_mixed_in_more_strongly_than_it_was_found_it_is_taken_out_as_strongly() -> None:
    """What is left of it otherwise would still be the attacker's."""
    trigger = blended_trigger()
    assert trigger.alpha is not None
    known = [Known("t-1", replace(trigger, alpha=0.4 * trigger.alpha))]
    right = 0
    for image, clean in zip(POISONED[:20], VICTIMS[:20], strict=True):
        search = recognised_blend(image, known, lens().references, lens().span, Progress())
        finding, probes = watched(search, MODEL.classify)
        assert finding is not None
        assert (Verdict.KNOWN, 3) == (finding.verdict, own(probes))
        assert finding.sanitised is not None
        right += MODEL.classify(clean[None]).labels[0] == finding.sanitised.labels[0]
    assert right >= 18


def test_what_is_nearly_all_of_an_image_is_taken_out_once() -> None:
    """There is no image left under what would be more than all of it."""
    known = [Known("t-1", replace(blended_trigger(), alpha=0.7))]
    image = blended_trigger().patch
    search = recognised_blend(image, known, lens().references, lens().span, Progress())
    _, probes = watched(search, MODEL.classify)
    assert 2 >= own(probes)
    small = [Known("t-1", replace(blended_trigger(), alpha=0.05))]
    search = recognised_blend(image, small, lens().references, lens().span, Progress())
    _, (asked,) = watched(search, MODEL.classify)
    assert 3 == len(asked.images)  # twenty times as much is shown: 0.6 of it is taken out
    left = (image - 0.6 * blended_trigger().patch) / 0.4
    assert np.abs(asked.images[2] - left).max() <= 1


def test_a_clean_image_is_not_asked_about() -> None:
    """Those of the target are seldom asked about, and none is taken for poisoned."""
    asked = []
    for image in CLEAN:
        finding, count = _finding(image)
        assert finding is None
        asked.append(count)
    assert np.mean(asked) < 0.04


def test_what_is_of_another_class_is_its_own() -> None:
    """An image that has the picture, and isn't the attacker's class, is answered as it is."""
    trigger = blended_trigger()
    other = (TARGET + 1) % 3
    known = [Known("t-1", replace(trigger, target=other))]
    search = recognised_blend(POISONED[0], known, lens().references, lens().span, Progress())
    finding, _ = watched(search, MODEL.classify)
    assert finding is None


def test_what_cannot_be_asked_about_is_undecided() -> None:
    """Neither answer may go out: the model's own may be the attacker's."""
    known, progress = [Known("t-1", blended_trigger())], Progress()
    search = recognised_blend(POISONED[0], known, lens().references, lens().span, progress)
    assert isinstance(advance(search), Probe)
    finding = refuse(search)
    assert finding is not None
    assert (Verdict.UNDECIDED, True) == (finding.verdict, finding.exposed)
