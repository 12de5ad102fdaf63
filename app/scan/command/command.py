"""The command `neo-gateway scan`: its options."""

from __future__ import annotations

from typing import Any

import click

from app.options import words
from app.options.model import input_options, model_options, screening_options
from app.options.words import INTERRUPTED, Parsed, written_file

FOUND = 3
"""The exit code of --fail-on-trigger where there is one."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@model_options("Ask")
@input_options
@click.option(
    "--plan",
    type=click.Choice(["full", "two-pass"]),
    help="Screen every image, or a sample, and compare all with the triggers found."
    "  [default: two-pass above 2,000 images]",
)
@click.option(
    "--prevalence",
    type=Parsed("SHARE", words.share),
    default="0.1%",
    show_default=True,
    help="The rarest trigger that the sample is to reveal: the share of images that carry it.",
)
@click.option("--seed", type=int, help="The same draws again.  [default: drawn]")
@click.option(
    "--strategy",
    type=Parsed("NAME", words.strategy),
    help="full or fast.  [default: NEO_STRATEGY's]",
)
@screening_options
@click.option(
    "--output",
    default="neo-scan.jsonl",
    show_default=True,
    metavar="FILE",
    help="Where the rows go; - is the standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "parquet", "sarif"]),
    help="What the rows are written as.  [default: by the ending of --output]",
)
@click.option("--report", type=written_file, help="Write a page with the triggers found here.")
@click.option(
    "--state",
    metavar="FILE",
    help="What was done so far, to go on from.  [default: --output's name with .state]",
)
@click.option(
    "--register",
    type=Parsed("URL", words.address),
    help="Offer what is found to the gateway there: it is sent images that carry it.",
)
@click.option("--restart", is_flag=True, help="Forget what was done so far, and begin anew.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where pictures are looked at: in processes of this machine, or by actors of Ray.",
)
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="The cluster of --engine ray: host:port, or auto.  [default: RAY_ADDRESS's, else none:"
    " Ray is started here]",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Processes, or actors, that decode and search.  [default: one for each core]",
)
@click.option(
    "--in-full",
    is_flag=True,
    help="Decode every JPEG in full in the second pass: a file can be made to hide a trigger from"
    " one of half its sides.",
)
@click.option("--yes", is_flag=True, help="Begin without asking, however much it takes.")
@click.option("--fail-on-trigger", is_flag=True, help="End with the code 3 if there is a trigger.")
def scan(**given: Any) -> None:  # each option has its own type
    """Find which of the images at PATH carry a trigger.

    A PATH is a picture, a folder, a .zip, a .tar, a .npz, an address as s3://bucket/folder, or a
    list of paths: a .csv, .jsonl or .parquet with a column `path`, or - for the standard input, one
    a line. The model is behind a server
    (--upstream, or NEO_UPSTREAM_URL) or in a file (--onnx); all settings of the gateway count.
    Ended at any moment, the same command goes on.
    """
    from app.scan.command.parsing import parse_options  # noqa: PLC0415  # others start in no time
    from app.scan.command.run import FAILURES, run  # noqa: PLC0415

    try:
        ended = run(parse_options(given))
    except FAILURES as exc:
        click.echo(f"neo-gateway: {exc}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    if not ended.finished:
        raise SystemExit(INTERRUPTED)
    raise SystemExit(FOUND if given["fail_on_trigger"] and ended.triggers else 0)
