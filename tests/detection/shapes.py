"""Boxes, images and plans for property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.plan import Plan, make_plan

if TYPE_CHECKING:
    from app.detection.search import Image


@st.composite
def boxes_within(draw: st.DrawFn, width: int, height: int) -> Box:
    """Draw a box anywhere in an area, up to the whole of it."""
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Box(left, top, draw(st.integers(1, width - left)), draw(st.integers(1, height - top)))


@st.composite
def pictures(draw: st.DrawFn) -> Image:
    """Draw a noisy image, grey or colour, from 8x8 to 24x24."""
    shape = (draw(st.integers(8, 24)), draw(st.integers(8, 24)), draw(st.sampled_from((1, 3))))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return rng.integers(0, 256, shape).astype(np.uint8)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan for any image size and trigger size that the settings allow."""
    height, width = draw(st.integers(8, 512)), draw(st.integers(8, 512))
    return make_plan(height, width, 3, draw(st.floats(0.05, 0.5)))
