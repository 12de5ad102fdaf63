"""HTTP without TLS for tests: a client that costs nothing to ask with, again and again."""

from __future__ import annotations

import httpx

CERTIFICATES = httpx.create_ssl_context()
"""Made once: each client that makes its own takes 30 ms of CPU time for it."""

ASK = httpx.Client(
    verify=CERTIFICATES, limits=httpx.Limits(max_keepalive_connections=0), timeout=30
)
"""Each request goes on a connection of its own."""
