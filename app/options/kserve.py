"""The options that KServe's controller appends to the command of a transformer, as settings.

An InferenceService whose transformer is the gateway says no more of its predictor than KServe
knows. What the environment says goes before: KServe appends them whether they are wanted or not.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]

PROTOCOLS: Final = {"v1": "instances", "v2": "oip"}
"""KServe's words, and those of NEO_UPSTREAM_PROTOCOL."""


def kserve_options(command: Command) -> Command:
    """Add the options; those that name the predictor become settings, `http_port` an argument."""
    options = (
        click.option(
            "--model_name",
            metavar="NAME",
            expose_value=False,
            callback=_set_model,
            help="KServe's: NEO_MODEL, unless that is set.",
        ),
        click.option(
            "--predictor_host",
            metavar="HOST",
            expose_value=False,
            callback=_set_host,
            help="KServe's: http://HOST is NEO_UPSTREAM_URL, unless that is set.",
        ),
        click.option(
            "--predictor_protocol",
            type=click.Choice(list(PROTOCOLS)),
            expose_value=False,
            callback=_set_protocol,
            help="KServe's: NEO_UPSTREAM_PROTOCOL (v1 instances, v2 oip), unless that is set.",
        ),
        click.option(
            "--http_port",
            type=click.IntRange(1, 65535),
            help="KServe's: the same as --port, which goes before.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _set_model(_context: click.Context, _option: click.Parameter, name: str | None) -> None:
    _set("NEO_MODEL", name)


def _set_host(_context: click.Context, _option: click.Parameter, host: str | None) -> None:
    _set("NEO_UPSTREAM_URL", host if host is None or "://" in host else f"http://{host}")


def _set_protocol(_context: click.Context, _option: click.Parameter, word: str | None) -> None:
    _set("NEO_UPSTREAM_PROTOCOL", None if word is None else PROTOCOLS[word])


def _set(name: str, value: str | None) -> None:
    """Set a setting where workers look for it, too; an empty one counts as none."""
    if value is not None and not os.environ.get(name):
        os.environ[name] = value
