"""Spans by OpenTelemetry's own SDK: sampled, named and sent as its OTEL_… variables say."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.tracing import Attribute, Note

NAME = "neo-gateway"


class Exported:
    """Spans that are sent behind the answers: to a collector, or shown on the *console*."""

    def __init__(self, *, console: bool) -> None:
        ours = Resource({"service.name": NAME, "service.version": version(NAME)})
        self._provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
        exporter = ConsoleSpanExporter() if console else OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(NAME, version(NAME))
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, Attribute],
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Iterator[Note]:
        """Make a span below the current one."""
        with self._tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=_plain(attributes),
            record_exception=False,  # an error's text may quote what came from outside
            set_status_on_exception=False,
        ) as made:

            def note(**more: Attribute) -> None:
                made.set_attributes(_plain(more))

            try:
                yield note
            except BaseException as error:
                made.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    @contextmanager
    def asked(self, name: str, headers: Mapping[str, str]) -> Iterator[Note]:
        """Make a request's span, below the one that its headers name."""
        token = context.attach(self._propagator.extract(dict(headers)))
        try:
            with self.span(name, {}, SpanKind.SERVER) as note:
                yield note
        finally:
            context.detach(token)

    def onward(self) -> Mapping[str, str]:
        """Return ``traceparent`` and ``tracestate`` of the current span."""
        headers: dict[str, str] = {}
        self._propagator.inject(headers)
        return headers


def _plain(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return *attributes* with words for members of an enumeration of them."""
    return {name: str(one) if isinstance(one, str) else one for name, one in attributes.items()}
