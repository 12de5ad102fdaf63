"""Who may ask the upstream, and which upstream is trusted."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.ports import InputSize, UpstreamStatusError, UpstreamUnreachableError
from app.settings import InputSettings
from app.upstream.assembly import Server, open_model
from app.upstream.http.session import Access
from tests.served_apps import running

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from tests.upstream.conftest import Connect

SETTINGS = InputSettings(InputSize(6, 5, 1))
HEADERS = {"Authorization": "Bearer secret", "X-Tenant": "a"}


async def _guarded(request: Request) -> Response:
    """Answer those who present both headers."""
    known = all(request.headers.get(name) == value for name, value in HEADERS.items())
    return Response(b'{"name": "digits"}', 200 if known else 401)


APP = Starlette(routes=[Route("/{path:path}", _guarded)])


async def test_token_and_headers_go_with_every_request(connect: Connect) -> None:
    """A server that wants a token and a header gets both; without them it refuses."""
    with running(APP) as url:
        known = await connect(url, SETTINGS, access=Access(HEADERS))
        unknown = await connect(url, SETTINGS)
        assert "digits" == (await known.facts()).name
        with pytest.raises(UpstreamStatusError, match="401"):
            await unknown.facts()


async def test_headers_do_not_show() -> None:
    """What is said of an access tells no secret."""
    assert "secret" not in repr(Access(HEADERS))


async def test_private_authority(tmp_path: Path) -> None:
    """A certificate of a private authority is trusted where the owner says so, and only there."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with running(APP, tls=context) as url:
        trusted = Server(url, "digits", access=Access(HEADERS, tmp_path / "ca.pem"))
        async with open_model(trusted, SETTINGS) as model:
            assert "digits" == (await model.facts()).name
        strange = Server(url, "digits", access=Access(HEADERS))
        async with open_model(strange, SETTINGS) as model:
            with pytest.raises(UpstreamUnreachableError, match="certificate"):
                await model.facts()
