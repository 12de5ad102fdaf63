"""What `neo-gateway bench` was given, as options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.bench.gateway import BenchError
from app.bench.options import option_of, parse_options
from app.settings import Strategy

GIVEN: dict[str, Any] = {
    "upstream": None,
    "model": None,
    "reference": None,
    "images": None,
    "requests": 500,
    "clients": "1,8,32",
    "strategy": (),
    "json": None,
}


def test_options_are_settings_too() -> None:
    """Only options that were given become settings: the environment may have the others."""
    options = parse_options(GIVEN | {"model": "signs", "strategy": ("fast", "off", "fast")})
    assert {"NEO_MODEL": "signs"} == options.settings
    assert (Strategy.FAST, Strategy.OFF) == options.strategies
    assert (1, 8, 32) == options.clients


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"clients": "1,0"},
            "--clients: '1,0' is not a list of numbers of 1 or more, e.g. --clients 1,8",
        ),
        ({"clients": ""}, "--clients: '' is not a list"),
        ({"strategy": ("best",)}, "--strategy: 'best' is none of full, fast, paper, off"),
        ({"json": Path("nowhere/out.json")}, "--json: there is no folder nowhere; make it first"),
    ],
)
def test_what_is_no_option_is_refused(given: dict[str, Any], said: str) -> None:
    """The message names the option and what it may be."""
    with pytest.raises(BenchError) as caught:
        parse_options(GIVEN | given)
    assert str(caught.value).startswith(said)


def test_a_settings_error_names_the_option() -> None:
    """A setting's error names its option, where it has one."""
    assert "--model: NEO_MODEL is not set" == option_of("NEO_MODEL is not set")
    assert "NEO_PATIENCE is wrong" == option_of("NEO_PATIENCE is wrong")
