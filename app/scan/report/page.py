"""The page: one HTML file with everything in it, for a browser without a network, or paper."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import numpy as np

from app.pictures.drawing import trigger_picture
from app.scan.results import Verdict
from app.templates import templates
from app.templates.plots import KINDS, Line, Sheet, plot

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from app.detection.trigger import Trigger
    from app.ports import Entry
    from app.scan.report.summary import Summary
    from app.scan.state.state import State
    from app.templates.plots import Plot

PLACES: Final = 10
"""Folders and archives that are named for each trigger."""
DAY_S: Final = 86_400
SHEET: Final = Sheet(
    height=180, told=lambda day: datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()
)

BLIND: Final = (
    "a trigger that no image of the sample revealed;",
    "a trigger far from where it was seen, or stretched by more than a quarter;",
    "a trigger of noise, pixel by pixel, in another size;",
    "a trigger that is hardly visible: translucent, or after strong compression;",
    "a trigger of one colour that nature shows at that place as well;",
    "a picture that is mixed into an image, or laid translucently over a place in it (blended);",
    "a trigger in a JPEG that was made to hide it from a decoder of half its sides.",
)
"""What the second of two passes doesn't see."""


@dataclass(frozen=True)
class Picture:
    """A picture in the page itself, and the words under it."""

    source: str
    caption: str


@dataclass(frozen=True)
class Shown:
    """A trigger: its pictures, what is known of it, where and when it appears."""

    id: str
    facts: Sequence[tuple[str, str]]
    picture: Picture
    examples: Sequence[Picture]
    places: Sequence[tuple[str, str]]
    days: Plot | None


@dataclass(frozen=True)
class About:
    """What the page says of the scan: its ``plan`` in words, and if it looked at a sample only."""

    paths: Sequence[str]
    model: str
    plan: str
    sampled: bool
    finished: bool


def page(
    state: State,
    summed: Summary,
    entries: Sequence[Entry],
    name: Callable[[int], str | None],
    about: About,
) -> str:
    """Return the page as HTML."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return (
        templates(__package__)
        .get_template("page.html")
        .render(
            program=f"neo-gateway {version('neo-gateway')}, {made}",
            about=about,
            verdicts=[(one.value, f"{summed.verdicts[one]:,}") for one in Verdict],
            total=f"{summed.total:,}",
            inferences=f"{summed.inferences:,}",
            triggers=[_shown(entry, state, summed, name) for entry in reversed(entries)],
            unreadable=summed.unreadable,
            more=summed.verdicts[Verdict.UNREADABLE] - len(summed.unreadable),
            blind=BLIND,
            kinds=KINDS,
        )
    )


def _where(trigger: Trigger) -> list[tuple[str, str]]:
    box, of = trigger.box, f"{trigger.image_width} x {trigger.image_height}"
    if trigger.alpha is not None and trigger.is_whole:
        return [("is", f"mixed into all of {of}, by {trigger.alpha:.0%}")]
    mixed = [] if trigger.alpha is None else [("is", f"mixed in by {trigger.alpha:.0%}")]
    return [
        *mixed,
        ("lies at", f"{box.x}, {box.y}{' and moves' if trigger.moves else ''}"),
        ("measures", f"{box.width} x {box.height} of {of}"),
    ]


def _shown(entry: Entry, state: State, summed: Summary, name: Callable[[int], str | None]) -> Shown:
    trigger, met = entry.trigger, summed.triggers.get(entry.id)
    evidence, gone = trigger.evidence, "hidden" if trigger.alpha is None else "taken out"
    facts = [
        ("leads to", name(trigger.target) or f"class {trigger.target}"),
        *_where(trigger),
        ("carries", f"{evidence.carried} of {evidence.transplants} clean images"),
        ("heals", f"{evidence.heal_rate:.0%} when it is {gone}"),
        ("images", f"{met.images if met else 0:,}"),
    ]
    examples = [_picture(png, path) for path, png in state.examples(entry.id)]
    return Shown(
        entry.id,
        facts,
        _picture(trigger_picture(trigger), "the trigger"),
        examples,
        [] if met is None else [(place, f"{n:,}") for place, n in met.places.most_common(PLACES)],
        None if met is None else _days(entry.id, met.days),
    )


def _days(trigger_id: str, days: Counter[int]) -> Plot | None:
    """Return a plot of how many images of each day carry it, None where that is a single one."""
    if len(days) <= 1:
        return None
    first, last = min(days), max(days)
    x = np.arange(first, last + 1, dtype=np.float64)
    y = np.array([days[int(day)] for day in x], np.float64)
    sheet = Sheet(height=SHEET.height, start=first, told=SHEET.told)
    line = Line(trigger_id, 2, x, y)
    return plot(f"When {trigger_id} was written", "day", "images", [line], sheet=sheet)


def _picture(png: bytes, caption: str) -> Picture:
    return Picture(f"data:image/png;base64,{b64encode(png).decode()}", caption)
