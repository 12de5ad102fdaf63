"""Spans are made where the environment says whither they go."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest

from app import tracing
from app.tracing.exporting import exporting, wanted_exporter
from tests.collector import Collector, collector

CALLER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"OTEL_SERVICE_NAME": "guard"}, None),  # it says no more than a name
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://here:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, None),
        ({"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}, None),
    ],
)
def test_exporter_is_the_one_that_is_asked_for(
    environment: dict[str, str], expected: str | None
) -> None:
    """By its name, or by an address; nothing is sent without either."""
    assert expected == wanted_exporter(environment)


async def _two_spans(monkeypatch: pytest.MonkeyPatch, it: Collector) -> dict[str, str]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it.url)
    async with exporting():
        with tracing.asked("POST predict", CALLER):
            onward = dict(tracing.onward())
            with suppress(ValueError), tracing.span("round", images=7):
                message = "a secret of the caller's"
                raise ValueError(message)
    return onward


async def test_spans_hang_together_below_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's is below the caller's, the others below it; the server is told of it."""
    with collector() as it:
        onward = await _two_spans(monkeypatch, it)
    request, inner = it.spans["POST predict"], it.spans["round"]
    _, trace, caller, _ = CALLER["traceparent"].split("-")
    assert (trace, caller) == (request.trace_id.hex(), request.parent_span_id.hex())
    assert (request.trace_id, request.span_id) == (inner.trace_id, inner.parent_span_id)
    assert f"00-{trace}-{request.span_id.hex()}-01" == onward["traceparent"]
    assert {"images": 7} == it.attributes("round")


async def test_of_an_error_a_span_has_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may quote what came from outside."""
    with collector() as it:
        await _two_spans(monkeypatch, it)
    assert "ValueError" == it.spans["round"].status.message
    assert "secret" not in str(it.spans)


async def test_service_has_the_name_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SERVICE_NAME as usual, or else the gateway's own."""
    with collector() as it:
        await _two_spans(monkeypatch, it)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "guard-of-signs")
        await _two_spans(monkeypatch, it)
    assert {"neo-gateway", "guard-of-signs"} == it.services


async def test_without_variables_no_span_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is on, a block runs as ever, and a server is told nothing."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    async with exporting():
        with tracing.span("round", images=7) as note:
            note(more=1)
        assert (False, {}) == (tracing.is_on(), tracing.onward())


async def test_an_unknown_exporter_is_named_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the gateway starts all the same: the variable may be meant for others."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with caplog.at_level(logging.WARNING):
        async with exporting():
            assert not tracing.is_on()
    assert "OTEL_TRACES_EXPORTER: no traces are sent: otlp, console and none are known" in (
        caplog.messages
    )
