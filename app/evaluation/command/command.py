"""The command `neo-gateway evaluate`: its options, and from words to values."""

from __future__ import annotations

import enum
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.evaluation.plan import Experiment
    from app.ports import InputSize
    from app.settings import Layout, SearchMode, Strategy

# What reads the words is imported when there are some: the other commands start in no time.


INTERRUPTED = 130
"""The exit code that shells give to what Ctrl-C has ended."""

Choice = TypeVar("Choice", bound=enum.StrEnum)


class Parsed(click.ParamType[Any]):
    """What a function makes of a word; its ValueError says what is wrong."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401  # as click has it
        """Return the value of a word; what is a value already stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


def _address(text: str) -> str:
    from app.settings.sources import base_url  # noqa: PLC0415

    return base_url(text)


def _class_names(text: str) -> tuple[str, ...]:
    from app.settings.sources import class_names  # noqa: PLC0415

    return class_names(text)


def _names(text: str) -> tuple[str, ...]:
    from app.settings.sources import names  # noqa: PLC0415

    return names(text)


def _size(text: str) -> InputSize:
    from app.settings.quantities import input_size  # noqa: PLC0415

    return input_size(text)


def _channel_values(text: str) -> tuple[float, ...]:
    from app.settings.quantities import channel_values  # noqa: PLC0415

    return channel_values(text)


def _scale(text: str) -> float:
    from app.settings.quantities import ratio  # noqa: PLC0415

    try:
        scale = float(ratio(text))
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        message = f"{text!r} is not a number above 0"
        raise ValueError(message)
    return scale


def _divisors(text: str) -> tuple[float, ...]:
    values = _channel_values(text)
    if 0 in values:
        message = "nothing can be divided by 0"
        raise ValueError(message)
    return values


def _layout(text: str) -> Layout:
    from app.settings import Layout  # noqa: PLC0415

    return _one_of(Layout, text.upper())


def _strategy(text: str) -> Strategy:
    from app.settings import Strategy  # noqa: PLC0415

    return _one_of(Strategy, text.lower())


def _search(text: str) -> SearchMode:
    from app.settings import SearchMode  # noqa: PLC0415

    return _one_of(SearchMode, text.lower())


def _experiments(text: str) -> tuple[Experiment, ...]:
    from app.evaluation.plan import Experiment  # noqa: PLC0415

    return tuple(Experiment) if text == _ALL else (_one_of(Experiment, text.lower()),)


def _one_of(choices: type[Choice], text: str) -> Choice:
    if text not in set(choices):
        message = f"{text!r} is none of {', '.join(choices)}"
        raise ValueError(message)
    return choices(text)


def _corner(text: str) -> tuple[int, int]:
    x, comma, y = text.partition(",")
    if not (comma and x.strip().isdecimal() and y.strip().isdecimal()):
        message = f"{text!r} is not a column and a row, e.g. 21,5"
        raise ValueError(message)
    return int(x), int(y)


def _kinds(text: str) -> tuple[str, ...]:
    return () if text == _ALL else tuple(word.strip() for word in text.split(","))


_ALL = "all"
_existing = partial(click.Path, exists=True, path_type=Path)
_file = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.option(
    "--upstream", type=Parsed("URL", _address), help="Evaluate the model behind a server."
)
@click.option("--model", metavar="NAME", help="The model's name at the server.")
@click.option(
    "--protocol",
    type=click.Choice(["oip", "instances", "image"], case_sensitive=False),
    help="The server's protocol.  [default: oip]",
)
@click.option(
    "--outputs", type=Parsed("NAMES", _names), help="The outputs to ask for, as NEO_OUTPUTS."
)
@click.option("--onnx", type=_existing(dir_okay=False), help="Evaluate the model in an ONNX file.")
@click.option("--gateway", type=Parsed("URL", _address), help="Evaluate a running gateway.")
@click.option("--key", metavar="KEY", help="An admin key of the gateway, if it has keys.")
@click.option(
    "--suite",
    type=Parsed("[KINDS]", _kinds),
    is_flag=False,
    flag_value=_ALL,
    help="Evaluate digit models with backdoors made here: all, or some: patch,moving.",
)
@click.option(
    "--attack", metavar="KIND", multiple=True, help="An attack of the suite; may be repeated."
)
@click.option("--reference", type=_existing(), help="Clean images: a folder, a .zip or a .npz.")
@click.option(
    "--test",
    type=_existing(),
    help="Labelled images: a folder for each class, a .zip of that, or a .npz with x and y.",
)
@click.option("--labels", type=Parsed("FILE", _class_names), help="The class names, one a line.")
@click.option(
    "--trigger",
    type=_existing(dir_okay=False),
    multiple=True,
    help="A trigger of the model, an RGBA PNG; may be repeated.",
)
@click.option("--at", type=Parsed("X,Y", _corner), multiple=True, help="Its top left corner.")
@click.option("--target", metavar="CLASS", multiple=True, help="The class that it leads to.")
@click.option(
    "--input-size",
    type=Parsed("SIZE", _size),
    help="The size of the model's images, e.g. 48x48x3, as NEO_INPUT_SIZE.",
)
@click.option("--input-layout", type=Parsed("LAYOUT", _layout), help="As NEO_INPUT_LAYOUT.")
@click.option(
    "--input-scale",
    type=Parsed("NUMBER", _scale),
    help="As NEO_INPUT_SCALE.",
)
@click.option("--input-mean", type=Parsed("NUMBERS", _channel_values), help="As NEO_INPUT_MEAN.")
@click.option("--input-std", type=Parsed("NUMBERS", _divisors), help="As NEO_INPUT_STD.")
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
    type=Parsed("NAME", _strategy),
    multiple=True,
    help="Repeated, they are compared on the same streams.  [default: NEO_STRATEGY's]",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs of each stream."
)
@click.option(
    "--images", type=click.IntRange(1), default=500, show_default=True, help="Length of a stream."
)
@click.option(
    "--trigger-max",
    metavar="SHARE",
    type=click.FloatRange(0, 1, min_open=True),
    help="As NEO_TRIGGER_MAX.  [default: 0.316]",
)
@click.option(
    "--search",
    type=Parsed("WORD", _search),
    help="After the first trigger: continue or stop.  [default: continue]",
)
@click.option(
    "--strip/--no-strip",
    default=True,
    show_default=True,
    help="Compare with STRIP, where the model gives scores: 101 inferences an image.",
)
@click.option("--json", type=_file, help="Write all figures here.")
@click.option("--report", type=_file, help="Write a page with tables, plots and pictures here.")
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
