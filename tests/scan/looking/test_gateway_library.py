"""What a scan knows of a running gateway's triggers."""

from __future__ import annotations

from app.ports import InputSize
from app.remote_gateway.gateway import RunningGateway
from app.scan.looking.gateway_library import GatewayLearning
from tests.evaluation.runs.test_through_gateway import served
from tests.library.servers import wait_until
from tests.plain_http import ASK
from tests.scan.away import AwayAtFirst
from tests.served_apps import running
from tests.tiny import SIDE, TinyModel


async def test_a_gateway_that_is_away_for_a_moment_is_asked_again() -> None:
    """Its triggers are read after each wave: a restart of it just then ends no scan."""
    app = AwayAtFirst(served(TinyModel()))
    with running(app, lifespan="on") as url:  # type: ignore[arg-type]  # an application like any other
        wait_until(lambda: ASK.get(f"{url}/readyz").is_success, seconds=60)
        app.go_away()
        async with RunningGateway(url, InputSize(SIDE, SIDE, 3)) as gateway:
            learning = GatewayLearning(gateway)
            await learning.settle()
    assert 2 == app.refused
    assert () == tuple(learning.library.entries())
