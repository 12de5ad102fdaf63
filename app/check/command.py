"""The command `neo-gateway check`: its options, and how it tells what it finds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from app.logs import only_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.check.results import Result

COLOURS: Final = {"ok": "green", "note": "yellow", "wrong": "red", "skipped": "cyan"}
WIDTH: Final = 12
"""Of the column with the parts' names."""


@click.command()
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="How long each part may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell it as one JSON document.")
def check(timeout_s: float, *, as_json: bool) -> None:
    """Try everything that `serve` needs once, and say what is wrong; nothing is changed.

    The settings come from NEO_… variables or a .env file, as for `serve`. Exit code 0, or 2 if
    `serve` would not be ready.
    """
    results = asyncio.run(_tried(timeout_s, silent=as_json))
    wrong = sum(result.state == "wrong" for result in results)
    if as_json:
        document = {"ready": not wrong, "parts": [asdict(result) for result in results]}
        click.echo(json.dumps(document, indent=2))
    elif wrong:
        click.echo(f"serve would not be ready: {wrong} of {len(results)} parts are wrong")
    else:
        click.echo("serve would be ready, once the references are calibrated")
    raise SystemExit(2 if wrong else 0)


async def _tried(timeout_s: float, *, silent: bool) -> Sequence[Result]:
    """Return what came of each part; tell each at once, unless *silent*."""
    # The other commands start without what this one works with.
    from app.check.results import skipped, wrong  # noqa: PLC0415
    from app.check.trying import REFERENCES, SETTINGS, STORE, UPSTREAM, results  # noqa: PLC0415
    from app.settings import SettingError, read_settings  # noqa: PLC0415

    found: list[Result] = []

    def tell(result: Result) -> None:
        found.append(result)
        if not silent:
            _tell(result)

    try:
        settings = read_settings()
    except SettingError as exc:
        tell(wrong(SETTINGS, str(exc)))
        for part in (UPSTREAM, REFERENCES, STORE):
            tell(skipped(part, "the settings must be right first"))
        return found
    with only_errors():
        async for result in results(settings, timeout_s):
            tell(result)
    return found


def _tell(result: Result) -> None:
    state = click.style(f"{result.state:8}", fg=COLOURS[result.state], bold=True)
    first, *more = result.said
    click.echo(f"{state}{result.part:{WIDTH}}{first}")
    for line in more:
        click.echo(f"{'':{8 + WIDTH}}{line}")
