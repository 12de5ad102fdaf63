"""The options that say which model is asked, and what its input is like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.options import words
from app.options.words import Parsed, existing

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def model_options(verb: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the options for a command that does *verb* to the model."""
    options = (
        click.option(
            "--upstream",
            type=Parsed("URL", words.address),
            help=f"{verb} the model behind a server.",
        ),
        click.option("--model", metavar="NAME", help="The model's name at the server."),
        click.option(
            "--protocol",
            type=click.Choice(["oip", "instances", "image"], case_sensitive=False),
            help="The server's protocol.  [default: oip]",
        ),
        click.option(
            "--outputs",
            type=Parsed("NAMES", words.names),
            help="The outputs to ask for, as NEO_OUTPUTS.",
        ),
        click.option(
            "--onnx", type=existing(dir_okay=False), help=f"{verb} the model in an ONNX file."
        ),
        click.option(
            "--gateway", type=Parsed("URL", words.address), help=f"{verb} a running gateway."
        ),
        click.option("--key", metavar="KEY", help="An admin key of the gateway, if it has keys."),
    )
    return _adding(options)


def input_options(command: Command) -> Command:
    """Add the options for clean images, names of classes, and the model's input."""
    options = (
        click.option(
            "--reference", type=existing(), help="Clean images: a folder, a .zip or a .npz."
        ),
        click.option(
            "--labels", type=Parsed("FILE", words.class_names), help="The class names, one a line."
        ),
        click.option(
            "--input-size",
            type=Parsed("SIZE", words.size),
            help="The size of the model's images, e.g. 48x48x3, as NEO_INPUT_SIZE.",
        ),
        click.option(
            "--input-layout", type=Parsed("LAYOUT", words.layout), help="As NEO_INPUT_LAYOUT."
        ),
        click.option(
            "--input-scale", type=Parsed("NUMBER", words.scale), help="As NEO_INPUT_SCALE."
        ),
        click.option(
            "--input-mean", type=Parsed("NUMBERS", words.channel_values), help="As NEO_INPUT_MEAN."
        ),
        click.option(
            "--input-std", type=Parsed("NUMBERS", words.divisors), help="As NEO_INPUT_STD."
        ),
    )
    return _adding(options)(command)


def screening_options(command: Command) -> Command:
    """Add the options for how far is searched; the strategy is each command's own."""
    options = (
        click.option(
            "--trigger-max",
            metavar="SHARE",
            type=click.FloatRange(0, 1, min_open=True),
            help="As NEO_TRIGGER_MAX.  [default: 0.316]",
        ),
        click.option(
            "--search",
            type=Parsed("WORD", words.search),
            help="After the first trigger: continue or stop.  [default: continue]",
        ),
    )
    return _adding(options)(command)


def _adding(options: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated
