"""What `neo-gateway evaluate` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from app.evaluation.plan import Experiment
    from app.ports import InputSize
    from app.settings import InputSettings, Protocol, SearchMode, Strategy


class OptionError(Exception):
    """Options are missing or contradict each other: one line that names them and the mend."""


@dataclass(frozen=True)
class Place:
    """A trigger to put on test images: a picture, the corner it is put at, the class it makes.

    ``target`` is a class's number or name, as it was given.
    """

    picture: Path
    x: int
    y: int
    target: str


@dataclass(frozen=True)
class TestOptions:
    """Labelled images to send, the names of their classes, the triggers to put on them."""

    __test__ = False  # pytest: no test

    images: Path
    class_names: tuple[str, ...]
    triggers: tuple[Place, ...]


@dataclass(frozen=True)
class ServerSource:
    """A model behind a server: spoken to by ``protocol``, asked for ``outputs``."""

    url: str
    model: str
    protocol: Protocol
    outputs: tuple[str, ...]
    input: InputSettings
    reference: Path
    test: TestOptions


@dataclass(frozen=True)
class OnnxSource:
    """A model in an ONNX file."""

    file: Path
    input: InputSettings
    reference: Path
    test: TestOptions


@dataclass(frozen=True)
class GatewaySource:
    """A running gateway. Its model takes images of ``size``; ``key`` opens its triggers."""

    url: str
    key: str | None
    size: InputSize
    test: TestOptions


@dataclass(frozen=True)
class SuiteSource:
    """Models made here, with backdoors of these ``kinds``; none: all that there are."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class FieldSource:
    """A ``folder`` of backdoored models; ``only`` the cells that have all words of one, or all.

    ``earlier``: cells that earlier code was measured on count, too. ``kept``: nothing is measured.
    """

    folder: Path
    only: tuple[frozenset[str], ...]
    earlier: bool
    kept: bool


Source: TypeAlias = ServerSource | OnnxSource | GatewaySource | SuiteSource | FieldSource


@dataclass(frozen=True)
class Options:
    """What is evaluated and how. ``strategies`` is empty where a gateway has its own.

    ``strip``: the baseline is wanted, where the model gives scores.
    """

    source: Source
    experiments: tuple[Experiment, ...]
    strategies: tuple[Strategy, ...]
    seeds: int
    images: int
    trigger_max: float
    search: SearchMode
    strip: bool
    json: Path | None
    report: Path | None
