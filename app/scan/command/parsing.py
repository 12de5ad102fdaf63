"""From what click was given, and the gateway's settings, to the options."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.scan.command.options import EngineName, OptionError, Options
from app.scan.looking.model import GatewaySource, ModelSource
from app.scan.planning import Passes
from app.scan.report.rows import FORMS, STDOUT, is_stream
from app.settings import SettingError, Strategy, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.settings import Settings

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

_OF_SERVERS: Final = ("model", "protocol", "outputs")

NO_SERVER: Final = "http://onnx.invalid"
"""Stands for the address of a server where the model is in a file: nobody asks it."""


def parse_options(given: Mapping[str, Any]) -> Options:
    """Return the options that click was *given*. Raises OptionError."""
    output = given["output"]
    for option in ("output", "report"):
        _check_folder(option, given[option])
    state = given["state"] or (None if is_stream(output) else f"{output}.state")
    engine = EngineName(given["engine"])
    address = _ray_address(engine, given["ray_address"])
    processes = given["processes"] or (None if address else os.cpu_count() or 1)
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
        register=given["register"],
        key=given["key"],
        restart=given["restart"],
        engine=engine,
        ray_address=address,
        processes=processes,
        yes=given["yes"],
    )


def _ray_address(engine: EngineName, address: str | None) -> str | None:
    """Return the address of the cluster, None where there is none. Raises OptionError."""
    if engine is EngineName.RAY:
        if find_spec("ray") is None:
            message = "--engine ray needs ray: pip install 'neo-gateway[scan,ray]'"
            raise OptionError(message)
        return address or os.environ.get("RAY_ADDRESS") or None  # which Ray's jobs have set
    if address is not None:
        message = f"--ray-address doesn't go with --engine {engine}: leave one of them out"
        raise OptionError(message)
    return None


def _source(given: Mapping[str, Any], processes: int | None) -> ModelSource | GatewaySource:
    chosen = [name for name in ("upstream", "onnx", "gateway") if given[name] is not None]
    if len(chosen) > 1:
        message = f"--{chosen[0]} doesn't go with --{chosen[1]}: leave one of them out"
        raise OptionError(message)
    told = {s: given[option] for option, s in SETTINGS.items() if given[option] is not None}
    onnx: Path | None = given["onnx"]
    if onnx is not None or given["gateway"] is not None:
        _refuse(given, _OF_SERVERS, chosen[0])
        name = "gateway" if onnx is None else onnx.stem
        told |= {"upstream_url": NO_SERVER, "model": name, "upstream_protocol": "oip"}
    if given["gateway"] is not None:
        return _gateway(given, _settings(told))
    if given["register"] is None:
        _refuse(given, ("key",), chosen[0] if chosen else "upstream")
    settings = _settings(told)
    if settings.strategy not in {Strategy.FULL, Strategy.FAST}:
        message = f"NEO_STRATEGY is {settings.strategy}: a scan takes --strategy full or fast"
        raise OptionError(message)
    threads = 1 if processes is None else max(1, (os.cpu_count() or 1) // processes)
    return ModelSource(settings, onnx, threads, given["in_full"])


def _gateway(given: Mapping[str, Any], settings: Settings) -> GatewaySource:
    _refuse(given, ("strategy", "trigger_max", "search", "register"), "gateway")
    if settings.input_size is None:
        message = "--input-size is missing: --gateway needs the size of its model's images"
        raise OptionError(message)
    size, in_full = settings.input_size, given["in_full"]
    return GatewaySource(settings, given["gateway"], given["key"], size, in_full)


def _refuse(given: Mapping[str, Any], options: tuple[str, ...], beside: str) -> None:
    for option in options:
        if given[option] is not None:
            flag = option.replace("_", "-")
            message = f"--{flag} doesn't go with --{beside}: leave one of them out"
            raise OptionError(message)


def _settings(told: Mapping[str, Any]) -> Settings:
    try:
        return read_settings(told)
    except SettingError as exc:
        raise OptionError(_in_options(str(exc))) from exc


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
