"""The settings: one frozen value, read once in an entry point and passed on as plain arguments."""

from __future__ import annotations

import enum
from pathlib import Path  # noqa: TC003  # pydantic evaluates the annotations
from typing import Annotated

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024 * 1024
MEGAPIXEL = 1_000_000


class SettingError(Exception):
    """A setting is missing or wrong: one line that names it, what is wrong, and an example."""
