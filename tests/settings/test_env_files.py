"""Values as files of variables leave them."""

from __future__ import annotations

import pytest

from app.settings import Protocol, read_settings
from tests.settings.environment import complaint


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "{}\n", "{}\r\n", '"{}"\r', " {} ", '" {} "'])
def test_what_is_around_a_value(environment: pytest.MonkeyPatch, around: str) -> None:
    """Quotes and line ends are no part of a value, also where it is a secret or one of a few."""
    values = {
        "NEO_UPSTREAM_URL": "http://127.0.0.1:8081",
        "NEO_UPSTREAM_PROTOCOL": "instances",
        "NEO_MODEL": "signs",
        "NEO_REDIS_URL": "redis://:hush@store",
        "NEO_API_KEYS": "one,two",
        "NEO_PROBE_RATE": "20",
    }
    for name, value in values.items():
        environment.setenv(name, around.format(value))
    settings = read_settings()
    assert settings.redis_url is not None
    assert values == {
        "NEO_UPSTREAM_URL": settings.upstream_url,
        "NEO_UPSTREAM_PROTOCOL": settings.upstream_protocol,
        "NEO_MODEL": settings.model,
        "NEO_REDIS_URL": settings.redis_url.get_secret_value(),
        "NEO_API_KEYS": ",".join(key.secret.get_secret_value() for key in settings.api_keys.values),
        "NEO_PROBE_RATE": f"{settings.probe_rate:g}",
    }
    assert Protocol.INSTANCES is settings.upstream_protocol


@pytest.mark.parametrize("empty", ['""', "''", " ", "\n"])
def test_nothing_in_quotes(environment: pytest.MonkeyPatch, empty: str) -> None:
    """Nothing counts as not set, whatever is around it."""
    environment.setenv("NEO_REDIS_URL", empty)
    assert read_settings().redis_url is None
    environment.setenv("NEO_MODEL", empty)
    assert complaint().startswith("NEO_MODEL is not set: ")


def test_quotes_of_an_expression(environment: pytest.MonkeyPatch) -> None:
    """The quotes of a JMESPath name are its own."""
    environment.setenv("NEO_ANSWER", '"top-5"."class-name"')
    assert '"top-5"."class-name"' == read_settings().answer


@pytest.mark.parametrize("name", ["NEO_UPSTREAM_URL", "NEO_REDIS_URL"])
@pytest.mark.parametrize("text", ['"redis://hush', "http://hush\nNEO_MODEL=x", "redis://a b"])
def test_what_is_inside_an_address(environment: pytest.MonkeyPatch, name: str, text: str) -> None:
    """An address that begins with a quote, or has a blank or a line break, is refused."""
    environment.setenv(name, text)
    assert complaint().startswith(f"{name} is wrong: ")
    assert "\n" not in complaint()
    assert "hush" not in complaint()
