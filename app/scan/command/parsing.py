"""From what click was given, and the gateway's settings, to the options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.scan.command.options import OptionError, Options
from app.scan.model import ModelSource
from app.scan.planning import Passes
from app.scan.report.rows import FORMS, STDOUT
from app.settings import SettingError, Strategy, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: Final = {
    "upstream": "upstream_url",
    "model": "model",
    "protocol": "upstream_protocol",
    "outputs": "outputs",
    "reference": "reference",
    "labels": "labels",
    "input_size": "input_size",
    "input_layout": "input_layout",
    "input_scale": "input_scale",
    "input_mean": "input_mean",
    "input_std": "input_std",
    "strategy": "strategy",
    "trigger_max": "trigger_max",
    "search": "search",
}
"""The options that are settings of the gateway, which the environment may hold too."""

NO_SERVER: Final = "http://onnx.invalid"
"""Stands for the address of a server where the model is in a file: nobody asks it."""


def parse_options(given: Mapping[str, Any]) -> Options:
    """Return the options that click was *given*. Raises OptionError."""
    output = given["output"]
    for option in ("output", "report"):
        _check_folder(option, given[option])
    state = given["state"] or (None if output == STDOUT else f"{output}.state")
    processes = given["processes"] or os.cpu_count() or 1
    return Options(
        paths=given["paths"],
        source=_source(given, processes),
        passes=None if given["plan"] is None else Passes(given["plan"]),
        prevalence=given["prevalence"],
        seed=given["seed"],
        output=output,
        form=given["form"] or _form(output),
        report=given["report"],
        state=state,
        restart=given["restart"],
        processes=processes,
        yes=given["yes"],
    )


def _source(given: Mapping[str, Any], processes: int) -> ModelSource:
    onnx: Path | None = given["onnx"]
    told = {
        setting: given[option] for option, setting in SETTINGS.items() if given[option] is not None
    }
    if onnx is not None:
        for option in ("upstream", "model", "protocol", "outputs"):
            if given[option] is not None:
                message = f"--{option} doesn't go with --onnx: leave one of them out"
                raise OptionError(message)
        told |= {"upstream_url": NO_SERVER, "model": onnx.stem, "upstream_protocol": "oip"}
    try:
        settings = read_settings(told)
    except SettingError as exc:
        raise OptionError(_in_options(str(exc))) from exc
    if settings.strategy not in {Strategy.FULL, Strategy.FAST}:
        message = f"NEO_STRATEGY is {settings.strategy}: a scan takes --strategy full or fast"
        raise OptionError(message)
    threads = max(1, (os.cpu_count() or 1) // processes)
    return ModelSource(settings, onnx, threads)


def _in_options(text: str) -> str:
    """Return a message about a setting with the option for it in front."""
    for option, setting in SETTINGS.items():
        if text.startswith(f"NEO_{setting.upper()} "):
            more = " (or --onnx FILE)" if option in {"upstream", "model"} else ""
            return f"--{option.replace('_', '-')}{more}: {text}"
    return text


def _form(output: str) -> str:
    ending = Path(output).suffix.lower().removeprefix(".")
    return ending if ending in FORMS else "jsonl"


def _check_folder(option: str, path: str | Path | None) -> None:
    if path is None or path == STDOUT:
        return
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        message = f"--{option} {path}: there is no folder {folder}; make it first"
        raise OptionError(message)
