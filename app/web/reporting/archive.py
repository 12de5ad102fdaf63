"""A report as one file."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Final

import orjson

from app.pictures.drawing import trigger_picture
from app.pictures.encoding import png
from app.web.answering.examples import files, sheet
from app.web.reporting.finding import finding
from app.web.reporting.page import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.web.reporting.report import Report

INDENTED: Final = orjson.OPT_INDENT_2


def archive(report: Report) -> bytes:
    """Return the .zip of *report*; without what is missing in it."""
    file = BytesIO()
    made_at = report.about.made_at.timetuple()[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _files(report):
            info = zipfile.ZipInfo(name, made_at)
            packed.writestr(info, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    alone = trigger_picture(report.entry.trigger)
    overlay = None if report.overlay is None else png(report.overlay)
    examples = None if report.examples is None else sheet(report.examples, report.labels)
    yield "report.html", page(report, alone, overlay, examples).encode()
    yield "trigger.png", alone
    if overlay is not None:
        yield "overlay.png", overlay
    if report.examples is not None and examples is not None:
        yield "examples.png", examples
        for name, content in files(report.examples, report.labels):
            yield f"examples/{name}", content
    yield "evidence.json", orjson.dumps(report.trigger, option=INDENTED)
    if "incidents" not in report.missing:
        lines = [orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in report.incidents]
        yield "incidents.jsonl", b"".join(lines)
    if "audit" not in report.missing:
        yield "audit.json", orjson.dumps(report.acts, option=INDENTED)
    yield "finding.ocsf.json", orjson.dumps(finding(report), option=INDENTED)
    about = {"about": report.about, "missing": report.missing}
    yield "about.json", orjson.dumps(about, option=INDENTED)
