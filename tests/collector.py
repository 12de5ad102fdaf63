"""A collector of OpenTelemetry's own protocol, which keeps the spans that it gets."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """Its address, and what it got: spans by name, the traces' ids, and each sender's service."""

    url: str
    spans: dict[str, Span] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    traces: set[bytes] = field(default_factory=set)

    def take(self, body: bytes) -> None:
        """Keep what is in *body*."""
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {one.key: one.value.string_value for one in sent.resource.attributes}
            self.services.add(told["service.name"])
            self.traces |= {span.trace_id for scope in sent.scope_spans for span in scope.spans}
            self.spans |= {span.name: span for scope in sent.scope_spans for span in scope.spans}

    def attributes(self, name: str) -> dict[str, str | int]:
        """Return what the span *name* says."""
        return {
            one.key: one.value.string_value or one.value.int_value
            for one in self.spans[name].attributes
        }


@contextmanager
def collector() -> Iterator[Collector]:
    """Run one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            it.take(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        it = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
