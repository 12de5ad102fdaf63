"""RQ4's pictures: the triggers found beside the true ones, and images before and after."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.experiments.rq4_reconstruction import best_fitting
from app.evaluation.measures.overlap import overlap
from app.evaluation.report.sheet import class_name
from app.evaluation.report.wording import index
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


def trigger_pictures(run: Run, names: Sequence[str]) -> Iterator[str]:
    """Return HTML, figure by figure: each true trigger of *run* with its best fit, then the rest.

    *names* are the class names.
    """
    fits = [(stamp, best_fitting(stamp, run.found)) for stamp in run.stamps]
    for stamp, found in fits:
        yield _beside(run, stamp, found, names)
    fitting = [found.id for _, found in fits if found is not None]
    others = [found for found in run.found if found.id not in fitting]
    for found in others[:MOST]:
        yield _alone(found, names)
    if len(others) > MOST:
        yield f"<p>{len(others) - MOST} more triggers were found that fit no true one.</p>"


def _beside(run: Run, stamp: Stamp, found: Found | None, names: Sequence[str]) -> str:
    shape = run.stream.images.shape[1:3]
    parts = [
        picture(png(stamp.rgba), f"true: {stamp.name}"),
        picture(png(_stamp_in_place(stamp, shape)), "in its place"),
    ]
    if found is None:
        parts.append("<p>No trigger was found that touches it.</p>")
        return _figure(f"The true trigger {stamp.name}", parts)
    parts += _both(found, names)
    fit = index(overlap(stamp, found.trigger))
    caption = f"The true trigger {stamp.name} and {found.id}; overlap {fit}"
    return _figure(caption, parts) + _examples(found, names)


def _alone(found: Found, names: Sequence[str]) -> str:
    caption = f"{found.id}, which fits no true trigger"
    return _figure(caption, _both(found, names)) + _examples(found, names)


def _both(found: Found, names: Sequence[str]) -> list[str]:
    target = class_name(found.trigger.target, names)
    return [
        picture(trigger_picture(found.trigger), f"found: {found.id}, to {target}"),
        picture(png(_found_in_place(found.trigger)), "in its place"),
    ]


def _examples(found: Found, names: Sequence[str]) -> str:
    """Show references before and after the trigger is stamped on (NEO, Figures 5 and 6)."""
    parts = []
    for before, after, says_before, says_after in found.examples:
        pair = _said(before, says_before, names) + "→" + _said(after, says_after, names)
        parts.append(f'<div class="pair">{pair}</div>')
    caption = f"Images without and with {found.id}, and what the model says of them"
    return _figure(caption, parts) if parts else ""


def _said(image: Image, label: int, names: Sequence[str]) -> str:
    return picture(png(image), class_name(label, names))


def picture(file: bytes, caption: str) -> str:
    """Return a PNG as HTML, in the page itself, with *caption* under it; its ground is blue."""
    source = b64encode(file).decode()
    words = escape(caption)
    return (
        f'<figure class="picture"><img src="data:image/png;base64,{source}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _figure(caption: str, parts: Sequence[str]) -> str:
    words = escape(caption)
    return f'<figure class="row"><figcaption>{words}</figcaption>{"".join(parts)}</figure>'


def _stamp_in_place(stamp: Stamp, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    canvas = np.zeros((*shape, 4), np.uint8)
    height, width = stamp.rgba.shape[:2]
    canvas[stamp.y : stamp.y + height, stamp.x : stamp.x + width] = stamp.rgba
    return canvas


def _found_in_place(trigger: Trigger) -> NDArray[np.uint8]:
    canvas = np.zeros((trigger.image_height, trigger.image_width, 4), np.uint8)
    own = np.ones(trigger.patch.shape[:2], bool) if trigger.mask is None else trigger.mask
    region = canvas[trigger.box.rows, trigger.box.columns]
    region[..., :3], region[..., 3] = trigger.patch, np.where(own, 255, 0)
    return canvas
