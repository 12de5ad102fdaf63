"""GET /docs: Swagger UI from a package on this machine, so that it works without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

_ASSETS = "docs/assets"


def register_docs(app: FastAPI) -> None:
    """Add the page and its assets to *app*; all its addresses are relative."""
    app.mount(f"/{_ASSETS}", StaticFiles(packages=[("fastapi_offline", "static")]))
    app.add_api_route("/docs", _docs_page, include_in_schema=False)


async def _docs_page() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="NEO Gateway",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
        # Or Swagger UI sends the document to a validator on the internet.
        swagger_ui_parameters={"validatorUrl": None},
    )
