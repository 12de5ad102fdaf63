"""What the page is made of beside its text: one stylesheet, one script, one icon; all our own.

They are read once, when the program starts. A browser keeps them, and asks each time if they are
still the same (ETag): an update of the gateway is seen at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from app.templates import templates
from app.templates.plots import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Asset:
    """A file, and the name of just these bytes."""

    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """Return the name, in quotation marks."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


def _assets() -> Mapping[str, Asset]:
    style = templates(__package__).get_template("style.css").render(kinds=KINDS)
    return {
        "style.css": Asset(style.encode(), "text/css"),
        "script.js": Asset((_FOLDER / "script.js").read_bytes(), "text/javascript"),
        "icon.svg": Asset((_FOLDER / "icon.svg").read_bytes(), "image/svg+xml"),
    }


def _route(name: str, asset: Asset) -> None:
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}

    async def answer(request: Request) -> Response:
        known = request.headers.get("If-None-Match", "").split(",")
        if asset.etag in {one.strip().removeprefix("W/") for one in known}:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    router.add_api_route(f"/page/{name}", answer)


for _name, _asset in _assets().items():
    _route(_name, _asset)
