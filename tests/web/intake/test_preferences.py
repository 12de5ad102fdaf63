"""Prefer, as RFC 7240 has it: what means `wait`, and for how long."""

from __future__ import annotations

import pytest

from app.web.intake.preferences import Wait, preferred


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        (["wait"], Wait(None)),
        (["WAIT = 10"], Wait(10)),
        (['return=minimal; foo="x", wait="10";y'], Wait(10)),
        (["respond-async", "wait=5, wait=7"], Wait(5)),
        (["wait=soon"], None),
        (["waiting, foo=wait"], None),
        (["wait=" + "9" * 5000], None),
    ],
)
def test_what_means_to_wait(headers: list[str], expected: Wait | None) -> None:
    """The first one counts, in any case and among others; other values don't."""
    assert expected == preferred(headers)


@pytest.mark.parametrize(("wait", "written"), [(Wait(None), "wait"), (Wait(10), "wait=10")])
def test_what_was_applied_is_written_as_it_came(wait: Wait, written: str) -> None:
    """It goes into Preference-Applied."""
    assert written == str(wait)
