"""The command `neo-gateway bench`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

INTERRUPTED = 130
"""The exit code that shells give to what Ctrl-C has ended."""

_file = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.option("--upstream", metavar="URL", help="The model server, as NEO_UPSTREAM_URL.")
@click.option("--model", metavar="NAME", help="The model's name there, as NEO_MODEL.")
@click.option("--reference", metavar="PATH", help="Clean images, as NEO_REFERENCE.")
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Clean images to send: a folder, a .zip or a .npz.  [default: the references]",
)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Requests each way, at each number of clients.",
)
@click.option(
    "--clients",
    metavar="NUMBERS",
    default="1,8,32",
    show_default=True,
    help="How many clients ask at the same time; one measurement for each number.",
)
@click.option(
    "--strategy",
    metavar="NAME",
    multiple=True,
    help="full, fast, paper or off; several are compared.  [default: NEO_STRATEGY's]",
)
@click.option("--json", type=_file, help="Write all figures here.")
def bench(**given: Any) -> None:  # each option has its own type
    """Measure what the gateway costs in front of your model: time, requests a second, inferences.

    It starts a gateway of its own, with the settings from the environment, and sends clean images
    to the model server directly and through the gateway, in turns.
    """
    from app.bench.measurement import FAILURES, run  # noqa: PLC0415  # other commands start in no time
    from app.bench.options import parse_options  # noqa: PLC0415

    try:
        run(parse_options(given))
    except FAILURES as exc:
        click.echo(f"neo-gateway: {exc}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
