"""What `neo-gateway bench` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.bench.gateway import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.settings import Strategy

SETTINGS = {
    "upstream": "NEO_UPSTREAM_URL",
    "model": "NEO_MODEL",
    "reference": "NEO_REFERENCE",
}
"""The options that are settings, which the environment may hold too."""


@dataclass(frozen=True)
class Options:
    """``settings`` are those that were given as options, by their names in the environment.

    Without ``strategies`` it is the setting's own; without ``images`` the references are sent.
    """

    settings: Mapping[str, str]
    strategies: tuple[Strategy, ...]
    images: Path | None
    clients: tuple[int, ...]
    requests: int
    json: Path | None


def parse_options(given: Mapping[str, Any]) -> Options:
    """Return the options that click was *given*, by their names. Raises BenchError."""
    path: Path | None = given["json"]
    if path is not None and not path.absolute().parent.is_dir():
        message = f"--json: there is no folder {path.parent}; make it first"
        raise BenchError(message)
    return Options(
        settings={name: str(given[o]) for o, name in SETTINGS.items() if given[o] is not None},
        strategies=_strategies(given["strategy"]),
        images=given["images"],
        clients=_clients(given["clients"]),
        requests=given["requests"],
        json=path,
    )


def option_of(message: str) -> str:
    """Return *message*, which may be about a setting, with the option for it in front."""
    for option, name in SETTINGS.items():
        if message.startswith(f"{name} "):
            return f"--{option}: {message}"
    return message


def _strategies(words: tuple[str, ...]) -> tuple[Strategy, ...]:
    from app.settings import Strategy  # noqa: PLC0415  # only once there is something to do

    unknown = sorted(set(words) - set(Strategy))
    if unknown:
        message = f"--strategy: {unknown[0]!r} is none of {', '.join(Strategy)}"
        raise BenchError(message)
    return tuple(map(Strategy, dict.fromkeys(words)))


def _clients(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        message = (
            f"--clients: {text!r} is not a list of numbers of 1 or more, e.g. --clients 1,8,32"
        )
        raise BenchError(message)
    return tuple(dict.fromkeys(map(int, words)))
