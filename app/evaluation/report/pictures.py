"""RQ4's pictures: the triggers found beside the true ones, and images before and after."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.experiments.rq4_reconstruction import best_fitting
from app.evaluation.measures.overlap import overlap
from app.evaluation.report.tables.sheet import class_name
from app.evaluation.report.tables.wording import index
from app.pictures.drawing import trigger_picture
from app.pictures.encoding import png

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.detection.trigger import Trigger
    from app.evaluation.records import Found, Run, Stamp

MOST = 12
"""Triggers that are shown of one run; a library full of false ones is told of, not drawn."""


@dataclass(frozen=True)
class Picture:
    """A picture in the page itself: its ``source`` as a data: address, and the words under it."""

    source: str
    caption: str


@dataclass(frozen=True)
class Figure:
    """Pictures side by side, then ``pairs`` of before and after, then a ``note``, if it has one."""

    caption: str
    pictures: tuple[Picture, ...] = ()
    pairs: tuple[tuple[Picture, Picture], ...] = ()
    note: str = ""


def trigger_figures(run: Run, names: Sequence[str]) -> Iterator[Figure]:
    """Return each true trigger of *run* with its best fit, then the other found ones, at most MOST.

    *names* are the class names.
    """
    for stamp in run.stamps:
        yield from _beside(run, stamp, best_fitting(stamp, run.found), names)
    for found in _others(run)[:MOST]:
        caption = f"{found.id}, which fits no true trigger"
        yield Figure(caption, _both(found, names))
        yield from _examples(found, names)


def left_out(run: Run) -> int:
    """Return how many of the triggers found in *run* have no figure."""
    return max(0, len(_others(run)) - MOST)


def _others(run: Run) -> list[Found]:
    """Return the triggers found that are no true trigger's best fit."""
    fits = [best_fitting(stamp, run.found) for stamp in run.stamps]
    fitting = {found.id for found in fits if found is not None}
    return [found for found in run.found if found.id not in fitting]


def _beside(run: Run, stamp: Stamp, found: Found | None, names: Sequence[str]) -> Iterator[Figure]:
    shape = run.stream.images.shape[1:3]
    true = (
        _picture(png(stamp.rgba), f"true: {stamp.name}"),
        _picture(png(_stamp_in_place(stamp, shape)), "in its place"),
    )
    caption = f"The true trigger {stamp.name}"
    if found is None:
        yield Figure(caption, true, note="No trigger was found that touches it.")
        return
    fit = index(overlap(stamp, found.trigger))
    yield Figure(f"{caption} and {found.id}; overlap {fit}", true + _both(found, names))
    yield from _examples(found, names)


def _both(found: Found, names: Sequence[str]) -> tuple[Picture, ...]:
    target = class_name(found.trigger.target, names)
    return (
        _picture(trigger_picture(found.trigger), f"found: {found.id}, to {target}"),
        _picture(png(_found_in_place(found.trigger)), "in its place"),
    )


def _examples(found: Found, names: Sequence[str]) -> Iterator[Figure]:
    """Show references before and after the trigger is stamped on (NEO, Figures 5 and 6)."""
    pairs = tuple(
        (_said(before, says_before, names), _said(after, says_after, names))
        for before, after, says_before, says_after in found.examples
    )
    if pairs:
        caption = f"Images without and with {found.id}, and what the model says of them"
        yield Figure(caption, pairs=pairs)


def _said(image: Image, label: int, names: Sequence[str]) -> Picture:
    return _picture(png(image), class_name(label, names))


def _picture(file: bytes, caption: str) -> Picture:
    return Picture(f"data:image/png;base64,{b64encode(file).decode()}", caption)


def _stamp_in_place(stamp: Stamp, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    canvas = np.zeros((*shape, 4), np.uint8)
    height, width = stamp.rgba.shape[:2]
    canvas[stamp.y : stamp.y + height, stamp.x : stamp.x + width] = stamp.rgba
    return canvas


def _found_in_place(trigger: Trigger) -> NDArray[np.uint8]:
    canvas = np.zeros((trigger.image_height, trigger.image_width, 4), np.uint8)
    region = canvas[trigger.box.rows, trigger.box.columns]
    region[..., :3], region[..., 3] = trigger.patch, np.where(trigger.own, 255, 0)
    return canvas
