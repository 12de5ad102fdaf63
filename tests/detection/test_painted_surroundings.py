"""Surroundings that are painted so that fills made of them rebuild the trigger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.geometry import Box
from app.detection.images import block
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import World, scene
from tests.tiny import TARGET, Backdoor, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image

SIDE = 32
BACKDOOR = Backdoor(Box(18, 11, 3, 3), TARGET)
WORLD = World((SIDE, SIDE), backdoors=(BACKDOOR,))
FRAMES = (3, 4, 6, 8)
"""Pixels a side. The wider blocker's ring lies 4 px off; a window with its ring, within 8."""


@pytest.mark.parametrize("width", FRAMES)
def test_frame_around_an_unknown_trigger(width: int) -> None:
    """In the trigger's own colour it hides nothing: the image reveals it and gets its class."""
    its = scene(WORLD)
    for clean in its.others(TARGET)[:4]:
        finding = its.screened(_framed(clean, width))
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.sanitised is not None
        assert finding.sanitised.labels[0] != TARGET


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("width", FRAMES)
def test_frame_around_a_known_trigger(width: int, *, search: bool) -> None:
    """Nor does it save a known one, with the search for new ones or without."""
    its = scene(WORLD)
    known = Known(
        "t",
        replace(
            tiny_trigger(),
            box=BACKDOOR.box,
            patch=np.full((3, 3, 3), 255, np.uint8),
            mask=np.ones((3, 3), bool),
            blocker=Blocker(BACKDOOR.box, Fill.RING),
            image_height=SIDE,
            image_width=SIDE,
        ),
    )
    for clean in its.others(TARGET)[:4]:
        finding = its.screened(_framed(clean, width), its.defence([known], search=search))
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert finding.sanitised.labels[0] != TARGET


@pytest.mark.parametrize("fill", [Fill.RING, Fill.INPAINT])
def test_the_frame_does_rebuild_the_trigger(fill: Fill) -> None:
    """The control: blocked by its surroundings alone the image keeps the attacker's class."""
    its = scene(WORLD)
    blockers = [Blocker(BACKDOOR.box.grown(margin, SIDE, SIDE), fill) for margin in (0, 1)]
    for clean in its.others(TARGET)[:4]:
        for blocker in blockers:
            blocked = block(_framed(clean, FRAMES[0]), [blocker], its.references.backdrop)
            assert TARGET == its.label(blocked)


def _framed(clean: Image, width: int) -> Image:
    framed: Image = stamped(clean[None], BACKDOOR.box.grown(width, SIDE, SIDE))[0]
    return framed
