"""From what click was given to the options, if they make sense together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.evaluation.command.options import (
    FieldSource,
    GatewaySource,
    OnnxSource,
    OptionError,
    Options,
    Place,
    ServerSource,
    SuiteSource,
    TestOptions,
)
from app.evaluation.plan import UNATTACKED, Experiment
from app.settings import InputSettings, Normalisation, Protocol, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.evaluation.command.options import Source


def parse_options(given: Mapping[str, Any]) -> Options:
    """Return the options that click was *given*, by their names. Raises OptionError."""
    defaults = Settings.model_fields
    experiments = tuple(dict.fromkeys(one for some in given["experiment"] for one in some))
    source = _source(given)
    _check_attack(source, experiments)
    strategies = tuple(dict.fromkeys(given["strategy"])) or (defaults["strategy"].default,)
    for option in ("json", "report"):
        _check_folder(option, given[option])
    if given["json"] is not None and given["json"] == given["report"]:
        message = "--json and --report name one file: give two"
        raise OptionError(message)
    return Options(
        source=source,
        experiments=experiments,
        strategies=() if isinstance(source, GatewaySource) else strategies,
        seeds=given["seeds"],
        images=given["images"],
        trigger_max=given["trigger_max"] or defaults["trigger_max"].default,
        search=given["search"] or defaults["search"].default,
        strip=given["strip"] and not isinstance(source, GatewaySource),
        json=given["json"],
        report=given["report"],
    )


FIELD = "field"
"""The suite that is no suite of ours: the field's attacks and defences, in a folder."""

_INPUT = ("input_size", "input_layout", "input_scale", "input_mean", "input_std")
_TEST = ("test", "labels", "trigger", "at", "target")
_SCREENING = ("strategy", "trigger_max", "search")

_TAKEN = {
    "upstream": (
        "model",
        "protocol",
        "outputs",
        "reference",
        "test",
        *_TEST,
        *_INPUT,
        "strategy",
        "trigger_max",
        "search",
    ),
    "onnx": ("reference", "test", *_TEST, *_INPUT, "strategy", "trigger_max", "search"),
    "gateway": ("key", "test", *_TEST, "input_size"),
    "suite": ("attack", "strategy", "trigger_max", "search"),
    FIELD: ("folder", "only", "earlier", "kept", "trigger_max"),
}
"""What goes with each source; of what only some of them take."""

_SOURCES = ("upstream", "onnx", "gateway", "suite")

_NEEDED = {
    "upstream": ("model", "reference", "test"),
    "onnx": ("reference", "test"),
    "gateway": ("test", "input_size"),
    "suite": (),
    FIELD: (),
}

_MEND = {
    "model": "its name at the server",
    "reference": "clean images: a folder, a .zip of one, or a .npz",
    "test": "images with their classes: a folder a class, a .zip of that, or a .npz with x and y",
    "input_size": "the size of its model's images, e.g. 48x48x3",
}


def _source(given: Mapping[str, Any]) -> Source:
    name = _only_source(given)
    if name == "suite" and FIELD in (given["suite"] or ()):
        name = _field(given)
    for option in _NEEDED[name]:
        if given[option] is None:
            message = f"{_flag(option)} is missing: --{name} needs {_MEND[option]}"
            raise OptionError(message)
    for option in dict.fromkeys(option for some in _TAKEN.values() for option in some):
        if given[option] not in (None, ()) and option not in _TAKEN[name]:
            source = "--suite field" if name == FIELD else f"--{name}"
            message = f"{_flag(option)} doesn't go with {source}: leave one of them out"
            raise OptionError(message)
    match name:
        case "upstream":
            return ServerSource(
                given["upstream"],
                given["model"],
                Protocol(given["protocol"] or Protocol.OIP),
                given["outputs"] or (),
                _input(given),
                given["reference"],
                _test(given),
            )
        case "onnx":
            return OnnxSource(given["onnx"], _input(given), given["reference"], _test(given))
        case "gateway":
            size = given["input_size"]
            return GatewaySource(given["gateway"], given["key"], size, _test(given))
        case "field":
            folder = given["folder"] or field_folder()
            return FieldSource(folder, given["only"], bool(given["earlier"]), bool(given["kept"]))
        case _:
            return SuiteSource(tuple(dict.fromkeys((*(given["suite"] or ()), *given["attack"]))))


def _only_source(given: Mapping[str, Any]) -> str:
    named = [name for name in _SOURCES if given[name] is not None]
    if given["attack"] and "suite" not in named:
        named.append("suite")
    choice = ", ".join(f"--{name}" for name in _SOURCES)
    if not named:
        message = f"nothing to evaluate: give one of {choice}"
        raise OptionError(message)
    if len(named) > 1:
        message = f"--{named[0]} doesn't go with --{named[1]}: give one of {choice}"
        raise OptionError(message)
    return named[0]


def _field(given: Mapping[str, Any]) -> str:
    if given["suite"] != (FIELD,):
        message = "--suite field goes with no other kind: leave the others out"
        raise OptionError(message)
    return FIELD


def field_folder() -> Path:
    """Return the folder of models that is looked in by itself."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "neo-gateway" / FIELD


def _input(given: Mapping[str, Any]) -> InputSettings:
    told = {
        name: given[f"input_{name}"]
        for name in ("scale", "mean", "std")
        if given[f"input_{name}"] is not None
    }
    return InputSettings(given["input_size"], given["input_layout"], Normalisation(**told))


def _test(given: Mapping[str, Any]) -> TestOptions:
    pictures, corners, targets = given["trigger"], given["at"], given["target"]
    if not len(pictures) == len(corners) == len(targets):
        message = (
            f"--trigger was given {_times(pictures)}, --at {_times(corners)} and --target"
            f" {_times(targets)}: each trigger needs its own --at X,Y and --target CLASS"
        )
        raise OptionError(message)
    triggers = tuple(
        Place(picture, x, y, target)
        for picture, (x, y), target in zip(pictures, corners, targets, strict=True)
    )
    return TestOptions(given["test"], given["labels"] or (), triggers)


def _check_attack(source: Source, experiments: tuple[Experiment, ...]) -> None:
    """Refuse what is about poisoned images alone where there will be none."""
    attacked = isinstance(source, SuiteSource | FieldSource) or source.test.triggers
    if not attacked and not any(one in UNATTACKED for one in experiments):
        message = (
            f"--experiment {experiments[0]} needs an attack: add --trigger PNG --at X,Y"
            " --target CLASS"
        )
        raise OptionError(message)


def _check_folder(option: str, path: Path | None) -> None:
    if path is not None and not path.parent.is_dir():
        message = f"--{option} {path}: there is no folder {path.parent}; make it first"
        raise OptionError(message)


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _times(given: tuple[object, ...]) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(len(given), f"{len(given)} times")
