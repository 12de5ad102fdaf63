"""What KServe appends to the gateway's command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from app.options.kserve import kserve_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

NAMES = ("NEO_MODEL", "NEO_UPSTREAM_URL", "NEO_UPSTREAM_PROTOCOL")


@click.command()
@kserve_options
def told(http_port: int | None) -> None:
    """Say what has come of the options."""
    click.echo([os.environ.get(name) for name in NAMES] + [http_port])


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Leave the environment as it was."""
    before = dict(os.environ)
    for name in NAMES:
        os.environ.pop(name, None)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(*words: str, **environment: str) -> Result:
    """Run the command on these *words*."""
    return CliRunner().invoke(told, words, env=environment)


def test_as_the_controller_appends_them() -> None:
    """The name, the host and the port, after what the manifest says."""
    appended = ["--model_name", "signs", "--predictor_host", "signs-predictor.shop"]
    result = run("--predictor_protocol", "v2", *appended, "--http_port", "8080")
    assert f"{['signs', 'http://signs-predictor.shop', 'oip', 8080]}\n" == result.output


def test_beside_the_predictor() -> None:
    """In one pod the predictor has a port; with `=`, as manifests have it, it is the same."""
    result = run("--predictor_host=localhost:8085", "--predictor_protocol=v1")
    assert f"{[None, 'http://localhost:8085', 'instances', None]}\n" == result.output


def test_an_address_stays() -> None:
    """A host that is an address already is taken as it is."""
    result = run("--predictor_host", "https://models.internal")
    assert f"{[None, 'https://models.internal', None, None]}\n" == result.output


def test_the_environment_goes_before() -> None:
    """What is set isn't changed by what KServe appends; an empty value counts as none."""
    words = ["--model_name", "signs", "--predictor_host", "h", "--predictor_protocol", "v1"]
    set_ = {"NEO_MODEL": "other", "NEO_UPSTREAM_URL": "http://own:1", "NEO_UPSTREAM_PROTOCOL": ""}
    result = run(*words, **set_)
    assert f"{['other', 'http://own:1', 'instances', None]}\n" == result.output


def test_grpc_is_not_spoken() -> None:
    """A protocol that the gateway doesn't speak stops it, in one line with those that it does."""
    result = run("--predictor_protocol", "grpc-v2")
    assert 2 == result.exit_code
    assert "'grpc-v2' is not one of 'v1', 'v2'" in result.output
