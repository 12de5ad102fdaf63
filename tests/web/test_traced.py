"""Each request has a span, and what it takes its time for has spans below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.tracing.exporting import exporting
from tests.collector import collector
from tests.files import encoded
from tests.tiny import clean_images
from tests.web.served import serving

if TYPE_CHECKING:
    import pytest


async def test_request_is_told_span_by_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the hot path as well: decoding, screening, each round, with the request's id."""
    with collector() as it:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it.url)
        async with exporting(), serving() as served:
            headers = {"X-Request-Id": "mine", "Content-Type": "image/png"}
            (image,) = clean_images(1, np.random.default_rng(5))
            await served.http.post("/predict", content=encoded(image), headers=headers)
            await served.http.get("/trigger")
    request = it.spans["POST predict"]
    assert {
        "http.request.method": "POST",
        "http.route": "predict",
        "http.response.status_code": 200,
        "neo.request_id": "mine",
    } == it.attributes("POST predict")
    assert request.span_id == it.spans["decode"].parent_span_id
    assert request.span_id == it.spans["screen"].parent_span_id
    assert it.spans["screen"].span_id == it.spans["round"].parent_span_id
    assert {"screening": "off", "probes": 1} == it.attributes("screen")
    assert 200 == it.attributes("GET trigger")["http.response.status_code"]


async def test_what_callers_choose_is_in_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of theirs is `other`, and its text is told nowhere."""
    with collector() as it:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it.url)
        async with exporting(), serving() as served:
            await served.http.get("/secret?key=hidden", headers={"X-API-Key": "hidden"})
    assert {"GET other"} == set(it.spans) - {"start", "calibrate"}
    assert "hidden" not in str(it.spans)
    assert "secret" not in str(it.spans)
