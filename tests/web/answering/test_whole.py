"""Answers of which all is known at once."""

from __future__ import annotations

from fastapi import Response

from app.web.answering.whole import Whole


def test_its_head_is_what_starlette_makes_of_the_same() -> None:
    """The status, the body, and each header, whatever case and letters it comes in."""
    body, headers = b"{}", {"Content-Type": "application/json", "X-Neo-Verdict": "clean", "X": "é"}
    usual, whole = Response(body, 503, headers), Whole(body, headers, 503)
    assert sorted(usual.raw_headers) == sorted(whole.raw_headers)
    assert (503, body, None) == (whole.status_code, whole.body, whole.background)
    assert "clean" == whole.headers["x-neo-verdict"]
