"""Values as files of variables leave them."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize(
    "text", ['"signs', 'signs"', "'signs", "signs'", "\"signs'", '"', ' "signs\n', 'a "b" c"']
)
def test_half_a_pair_of_quotes(environment: pytest.MonkeyPatch, text: str) -> None:
    """A value with a quote at one end alone is refused in one line, which doesn't tell it."""
    environment.setenv("NEO_API_KEYS", text)
    assert complaint().startswith("NEO_API_KEYS is wrong: it has a quote at one end alone")
    assert "\n" not in complaint()
    assert "signs" not in complaint()


@pytest.mark.parametrize("text", ['X-Tag: "a"', "'sig\"ns\"'", "'signs\"'", 'si"gns'])
def test_quotes_of_a_value(environment: pytest.MonkeyPatch, text: str) -> None:
    """A quote that has its other one, or stands inside, or in the other kind, is the value's."""
    environment.setenv("NEO_UPSTREAM_HEADERS", f"A: b|{text}" if ":" in text else "A: b")
    environment.setenv("NEO_MODEL", text)
    bare = text[1:-1] if text[0] == "'" else text
    assert bare == read_settings().model


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('NEO_MODEL=a\nNEO_API_KEYS="hush\n', "NEO_API_KEYS"),
        ('NEO_MODEL="a\nNEO_API_KEYS=hush\nX="b\n', "NEO_MODEL"),
        ('NEO_MODEL=a\nX="b\nNEO_API_KEYS=hush\nY="\n', "NEO_API_KEYS"),
    ],
)
def test_a_line_of_env_that_cannot_be_read(
    environment: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], text: str, name: str
) -> None:
    """A line with an open quote isn't passed over in silence: its keys would be missing."""
    environment.delenv("NEO_MODEL")
    Path(".env").write_text(text, encoding="utf-8")
    assert complaint().startswith(f"{name} in .env can't be read: a quote is open there")
    assert "hush" not in complaint()
    assert "" == capfd.readouterr().err


def test_lines_within_quotes(environment: pytest.MonkeyPatch) -> None:
    """A value of several lines in quotes is one value, as is a line with `export` before it."""
    environment.delenv("NEO_MODEL")
    text = 'export NEO_MODEL=signs\nNEO_UPSTREAM_HEADERS="A: b\nC: d"\n'
    Path(".env").write_text(text, encoding="utf-8")
    settings = read_settings()
    assert ("signs", ["A", "C"]) == (settings.model, list(settings.upstream_headers))
