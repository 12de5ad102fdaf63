"""The page of a report: one file with its pictures in it, to read and to print."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from app.templates import templates
from app.templates.plots import KINDS
from app.web.reporting.finding import ATLAS_VERSION, ATTACKS

if TYPE_CHECKING:
    from app.web.reporting.report import Report

SHOWN: Final = 50
"""Incidents on the page, the newest; all of them are in incidents.jsonl."""


def page(report: Report, alone: bytes, overlay: bytes | None, examples: bytes | None) -> str:
    """Return the page of *report* with these pictures: the trigger *alone*, and where it lies."""
    return (
        templates("app.web.pages")
        .get_template("report.html")
        .render(
            report=report,
            one=report.trigger,
            about=report.about,
            alone=_data(alone),
            placed=None if overlay is None else _data(overlay),
            examples=None if examples is None else _data(examples),
            incidents=report.incidents[:SHOWN],
            attacks=ATTACKS,
            atlas=ATLAS_VERSION,
            kinds=KINDS,
        )
    )


def _data(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
