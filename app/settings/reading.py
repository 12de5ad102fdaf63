"""From the environment to Settings, or to one line that says what to do."""

from __future__ import annotations

import difflib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from app.settings.env_files import half_quoted, named
from app.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_PREFIX = "NEO_"

_FILES = frozenset({"NEO_LABELS", "NEO_QUARANTINE", "NEO_REFERENCE", "NEO_UPSTREAM_CA"})
"""What names a file or a folder."""

_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_.+)?)$|_PORT(_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)?$")
"""What Kubernetes adds to a container's environment for a service called neo-something."""


class SettingError(Exception):
    """A setting is missing or wrong: one line that names it, what is wrong, and an example."""


def read_settings(told: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment and from .env in the working directory.

    The environment goes before .env, and what a command was *told* before both, by the names of
    the fields; an empty value counts as none. Raises SettingError.
    """
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # the error here says more
    try:
        in_file = DotEnvSettingsSource(Settings).env_vars
        given = {**in_file, **EnvSettingsSource(Settings).env_vars}
        _refuse_unknown(given)
        _refuse_half_quoted(given)
        _refuse_undecoded(given)
        _refuse_unread(in_file)
        return Settings(**told or {})
    except ValidationError as exc:
        raise SettingError(_line(exc.errors()[0])) from None
    except UnicodeDecodeError:
        message = ".env is not a text file in UTF-8"
        raise SettingError(message) from None


def _refuse_unknown(given: Mapping[str, str | None]) -> None:
    known = _fields()
    for name in (name.upper() for name in given):
        if name.startswith(_PREFIX) and name not in known and not _SERVICE_LINK.search(name):
            raise SettingError(_unknown(name, known))


def _refuse_half_quoted(given: Mapping[str, str | None]) -> None:
    for name, value in ((name.upper(), value) for name, value in given.items()):
        if name in _fields() and half_quoted(name, value or ""):
            message = (
                f"{name} is wrong: it has a quote at one end alone; take it away, or put the whole"
                " value into the other kind of quotes"
            )
            raise SettingError(message)


def _refuse_undecoded(given: Mapping[str, str | None]) -> None:
    """Refuse bytes that are no text: they'd stand in answers and events, which are UTF-8.

    The name of a file may be anything.
    """
    for name, value in ((name.upper(), value or "") for name, value in given.items()):
        if name not in _fields() or name in _FILES or value.startswith("@"):
            continue
        try:
            value.encode()
        except UnicodeEncodeError:
            message = f"{name} is wrong: it is not UTF-8, e.g. {_example(name, _fields()[name])}"
            raise SettingError(message) from None


def _refuse_unread(in_file: Mapping[str, str | None]) -> None:
    """Refuse a .env file of which a line was passed over: what it sets would be missing."""
    path = Path(str(Settings.model_config["env_file"]))
    read = {name.upper() for name in in_file}
    for name in named(path.read_text(encoding="utf-8")) if path.is_file() else ():
        if name in _fields() and name not in read:
            message = f"{name} in .env can't be read: a quote is open there, or in a line above"
            raise SettingError(message)


def _unknown(name: str, known: Mapping[str, FieldInfo]) -> str:
    words = {variable.removeprefix(_PREFIX): variable for variable in known}
    for close in difflib.get_close_matches(name.removeprefix(_PREFIX), words, n=1):
        meant = words[close]
        return f"{name} is not a setting: did you mean {_example(meant, known[meant])}?"
    return f"{name} is not a setting, unset it; the settings are {', '.join(known)}"


def _line(error: ErrorDetails) -> str:
    place = str(error["loc"][0]).upper()
    name = place if place.startswith(_PREFIX) else _PREFIX + place
    field = _fields()[name]
    example = _example(name, field)
    if error["type"] == "missing":
        return f"{name} is not set: {field.description}, e.g. {example}"
    return f"{name} is wrong: {_complaint(error)} ({field.description}), e.g. {example}"


def _complaint(error: ErrorDetails) -> str:
    if error["type"] == "value_error":  # ours: says what was given, where that is no secret
        return str(error["ctx"]["error"])
    message = error["msg"]
    return f"{message[0].lower()}{message[1:]}, not {error['input']!r}"


def _example(name: str, field: FieldInfo) -> str:
    return " or ".join(f"{name}={example}" for example in field.examples or ())


def _fields() -> dict[str, FieldInfo]:
    return {
        str(field.validation_alias or _PREFIX + name.upper()): field
        for name, field in Settings.model_fields.items()
    }
