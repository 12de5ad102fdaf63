"""The command `neo-gateway evaluate`: its options, and from words to values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.options import words
from app.options.model import input_options, model_options, screening_options
from app.options.words import INTERRUPTED, Parsed, existing, one_of, written_file

if TYPE_CHECKING:
    from app.evaluation.plan import Experiment

# What reads the words is imported when there are some: the other commands start in no time.


def _experiments(text: str) -> tuple[Experiment, ...]:
    from app.evaluation.plan import Experiment  # noqa: PLC0415

    return tuple(Experiment) if text == _ALL else (one_of(Experiment, text.lower()),)


def _corner(text: str) -> tuple[int, int]:
    x, comma, y = text.partition(",")
    if not (comma and x.strip().isdecimal() and y.strip().isdecimal()):
        message = f"{text!r} is not a column and a row, e.g. 21,5"
        raise ValueError(message)
    return int(x), int(y)


def _kinds(text: str) -> tuple[str, ...]:
    return () if text == _ALL else tuple(word.strip() for word in text.split(","))


def _words(text: str) -> frozenset[str]:
    words = frozenset(word.strip() for word in text.split(","))
    if "" in words:
        message = f"{text!r} has an empty word; give some with commas, e.g. mnist,badnets,full"
        raise ValueError(message)
    return words


_ALL = "all"


@click.command()
@model_options("Evaluate")
@click.option(
    "--suite",
    type=Parsed("[KINDS]", _kinds),
    is_flag=False,
    flag_value=_ALL,
    help="Evaluate digit models with backdoors made here: all, or some: patch,moving; or with"
    " `field` the field's attacks and defences, on models in a folder.",
)
@click.option(
    "--attack", metavar="KIND", multiple=True, help="An attack of the suite; may be repeated."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --suite field: the models.  [default: neo-gateway/field in your cache]",
)
@click.option(
    "--only",
    type=Parsed("WORDS", _words),
    multiple=True,
    help="With --suite field: the cells that have all of these words, e.g. mnist,badnets,full.",
)
@click.option(
    "--earlier",
    is_flag=True,
    default=None,
    help="With --suite field: cells that were measured before a defence's code changed count, too.",
)
@click.option(
    "--kept",
    is_flag=True,
    default=None,
    help="With --suite field: show what was measured, and measure nothing.",
)
@click.option(
    "--test",
    type=existing(),
    help="Labelled images: a folder for each class, a .zip of that, or a .npz with x and y.",
)
@click.option(
    "--trigger",
    type=existing(dir_okay=False),
    multiple=True,
    help="A trigger of the model, an RGBA PNG; may be repeated.",
)
@click.option("--at", type=Parsed("X,Y", _corner), multiple=True, help="Its top left corner.")
@click.option("--target", metavar="CLASS", multiple=True, help="The class that it leads to.")
@input_options
@click.option(
    "--experiment",
    type=Parsed("NAME", _experiments),
    multiple=True,
    default=("rq1", "rq4"),
    show_default=True,
    help="What to measure: rq1 (what is caught), rq2 (time), rq3 (classes), rq4 (triggers), all.",
)
@click.option(
    "--strategy",
    type=Parsed("NAME", words.strategy),
    multiple=True,
    help="Repeated, they are compared on the same streams.  [default: NEO_STRATEGY's]",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs of each stream."
)
@click.option(
    "--images", type=click.IntRange(1), default=500, show_default=True, help="Length of a stream."
)
@screening_options
@click.option(
    "--strip/--no-strip",
    default=True,
    show_default=True,
    help="Compare with STRIP, where the model gives scores: 101 inferences an image.",
)
@click.option("--json", type=written_file, help="Write all figures here.")
@click.option(
    "--report", type=written_file, help="Write a page with tables, plots and pictures here."
)
def evaluate(**given: Any) -> None:  # each option has its own type
    """Measure the defence on a model: what it catches, what it costs, which triggers it finds.

    The model is behind a server (--upstream), in a file (--onnx), behind a running gateway
    (--gateway), or made here with a backdoor of a kind (--suite).
    """
    try:
        _evaluate(given)
    except KeyboardInterrupt:  # while it starts; later it keeps what is done
        click.echo("neo-gateway: stopped before anything was measured", err=True)
        raise SystemExit(INTERRUPTED) from None


def _evaluate(given: dict[str, Any]) -> None:
    from app.evaluation.command.parsing import parse_options  # noqa: PLC0415
    from app.evaluation.command.run import FAILURES, run  # noqa: PLC0415

    try:
        finished = run(parse_options(given))
    except FAILURES as exc:
        click.echo(f"neo-gateway: {exc}", err=True)
        raise SystemExit(2) from None
    raise SystemExit(0 if finished else INTERRUPTED)
