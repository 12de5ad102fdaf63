"""Answers of which all is known at once; Starlette's own look for what their heads may lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Response

if TYPE_CHECKING:
    from collections.abc import Mapping


class Whole(Response):
    """An answer with this *body*, whose *headers* lack nothing but its length."""

    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
        ]
        self.raw_headers.append((b"content-length", b"%d" % len(body)))
