"""What is asked for, in one of a few words."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.routes import ROUTES, STATUSES, route_of, status_of
from app.web.app import WebOptions, create_app


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/predict", "predict"),
        ("/v2/models/signs/infer", "v2-infer"),
        ("/v2/models/signs/versions/3/infer", "v2-infer"),
        ("/v2/models/signs", "v2"),
        ("/v2", "v2"),
        ("/v1/models/signs:predict", "v1-predict"),
        ("/v1/models/signs", "v1"),
        ("/trigger", "trigger"),
        ("/trigger/t-0123456789ab.png", "trigger"),
        ("/", "page"),
        ("/docs", "page"),
        ("/page/dismiss/t-0123456789ab", "page"),
        ("/page/style.css", "page"),
        ("/v1/projects/1/locations/here/endpoints/signs:rawPredict", "v1-predict"),
        ("/readyz", "readyz"),
        ("/predictor", "other"),
        ("/wp-login.php", "other"),
        ("*", "page"),
    ],
)
def test_route_is_by_the_path(path: str, route: str) -> None:
    """The first word of a path says it; what a client asks of a model is told apart."""
    assert route == route_of(path)


def test_every_path_has_its_word() -> None:
    """No path that the gateway answers counts as another one's."""
    options = WebOptions(model_name="tiny", labels=None, max_body=1, max_pixels=1)
    paths = create_app(nullcontext, options).openapi()["paths"]  # type: ignore[arg-type]
    assert [] == [path for path in paths if route_of(path) == "other"]


@given(st.text())
def test_no_caller_makes_a_word(path: str) -> None:
    """Whatever the path is, the word is one of a few."""
    assert route_of(path) in ROUTES
    assert route_of(f"/{path}") in ROUTES


def test_every_status_has_a_word() -> None:
    """Statuses that the gateway gives are told apart, and others are one."""
    assert ("200", "503", "other") == (status_of(200), status_of(503), status_of(418))
    assert {status_of(status) for status in range(100, 600)} == set(STATUSES)
