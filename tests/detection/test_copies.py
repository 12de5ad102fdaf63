"""Several copies of a trigger: each is sufficient and none is necessary, so all are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.geometry import Box, around
from app.detection.search import Answers, run
from app.detection.trigger import Blocker, Fill
from tests.detection.roaming import SIDE, STICKER, roaming, with_stickers
from tests.detection.scenes import World, scene, watched
from tests.tiny import TARGET, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Images

FIRST = Box(5, 6, 3, 3)
PLACES = {
    "far apart": Box(23, 21, 3, 3),
    "in one row": Box(24, 6, 3, 3),
    "in one window": Box(9, 7, 3, 3),
}
KNOWN = Known(
    "t",
    replace(
        tiny_trigger(),
        box=FIRST,
        patch=STICKER,
        mask=np.ones((3, 3), bool),
        blocker=Blocker(FIRST, Fill.RING),
        image_height=SIDE,
        image_width=SIDE,
    ),
)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("second", PLACES.values(), ids=PLACES)
def test_copies_of_an_unknown_trigger_are_found(second: Box, *, mirrored: bool) -> None:
    """An image with two of them reveals it, and is freed of both."""
    its = roaming(mirrored=mirrored)
    for clean in its.others(TARGET)[:4]:
        poisoned = with_stickers(clean, FIRST, second, mirrored=mirrored)
        assert TARGET == its.label(poisoned)
        finding = its.screened(poisoned)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.sanitised is not None
        assert [its.label(clean)] == finding.sanitised.labels.tolist()
        assert finding.trigger is not None
        right = (FIRST, second, around([FIRST, second]))
        assert max(finding.trigger.box.overlap(box) for box in right) >= 0.5


@pytest.mark.parametrize("second", PLACES.values(), ids=PLACES)
def test_copies_of_a_known_trigger_are_hidden(second: Box) -> None:
    """An image with two of them gets its own class, wherever the other one lies."""
    its = roaming()
    for clean in its.others(TARGET)[:4]:
        finding = its.screened(with_stickers(clean, FIRST, second), its.defence([KNOWN]))
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert [its.label(clean)] == finding.sanitised.labels.tolist()


def test_copies_away_from_the_place_of_a_known_trigger_are_hidden() -> None:
    """Where no copy is at its usual place they are found all the same: at once, not anew."""
    its = roaming()
    for clean in its.others(TARGET)[:4]:
        poisoned = with_stickers(clean, *(PLACES["far apart"], PLACES["in one row"]))
        finding = its.screened(poisoned, its.defence([KNOWN]))
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert [its.label(clean)] == finding.sanitised.labels.tolist()
        assert finding.place is None  # they don't say that it moves


def test_one_alone_away_from_its_place_says_where_it_is() -> None:
    """So a trigger is learnt to move: whole, and once. Of nature nothing is asked about there."""
    its, away = roaming(), PLACES["far apart"]
    image = with_stickers(its.others(TARGET)[0], away)
    finding, probes = watched(its.search(image, its.defence([KNOWN])), its.predict)
    assert (Verdict.KNOWN, away) == (finding.verdict, finding.place)
    assert not any(probe.for_all for probe in probes)


@pytest.mark.parametrize("second", PLACES.values(), ids=PLACES)
def test_mirrored_copy_of_a_known_trigger_saves_nothing(second: Box) -> None:
    """Beside it such an image never gets the attacker's class, though perhaps not its own."""
    its = roaming(mirrored=True)
    for clean in its.others(TARGET)[:4]:
        poisoned = with_stickers(clean, FIRST, second, mirrored=True)
        finding = its.screened(poisoned, its.defence([KNOWN]))
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert TARGET not in finding.sanitised.labels


def test_two_unknown_triggers_of_one_class_are_hidden_together() -> None:
    """Neither is needed beside the other, nor looks like it: the image is freed of both."""
    its, other = scene(World((32, 32))), Box(25, 25, 2, 2)

    def either(images: Images) -> Answers:
        answers = its.predict(images)
        dark = (images[:, other.rows, other.columns] == 0).all(axis=(1, 2, 3))
        return Answers(np.where(dark, TARGET, answers.labels))

    for clean in its.others(TARGET)[:4]:
        poisoned = stamped(clean[None])[0]
        poisoned[other.rows, other.columns] = 0
        finding = run(its.search(poisoned), either)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.sanitised is not None
        assert [its.label(clean)] == finding.sanitised.labels.tolist()


def test_clean_images_beside_copies_are_clear() -> None:
    """Two marks that look alike and do nothing are let be."""
    its = roaming()
    for clean in its.clean[:8]:
        marked = clean.copy()
        for box in (FIRST, PLACES["far apart"]):
            marked[box.rows, box.columns] = 255
        assert Verdict.CLEAR is its.screened(marked).verdict
