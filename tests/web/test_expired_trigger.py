"""GET /trigger after a trigger has expired."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import httpx

from app.web.app import WebOptions, create_app
from tests.library.clocks import Clock
from tests.tiny import TinyModel, tiny_trigger
from tests.web.served import (
    LABELS,
    MAX_BODY,
    MAX_PIXELS,
    FaultyLibrary,
    assert_problem,
    plain_gateway,
)


async def test_it_is_shown_no_more() -> None:
    """A trigger that no image carries is off the list after a day, and its id is unknown."""
    clock = Clock()
    library = FaultyLibrary(clock=clock)
    app = create_app(
        partial(plain_gateway, TinyModel(), library),
        WebOptions(model_name="tiny", labels=LABELS, max_body=MAX_BODY, max_pixels=MAX_PIXELS),
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
    ):
        await library.register(tiny_trigger())
        assert ["t-1"] == [one["id"] for one in (await http.get("/trigger")).json()["triggers"]]
        clock.forward(timedelta(days=1))
        told = (await http.get("/trigger")).json()
        assert ("searching", []) == (told["state"], told["triggers"])
        assert_problem(await http.get("/trigger/t-1.png"), 404, "no trigger has the id t-1")
