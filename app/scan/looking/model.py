"""The model that a scan asks: behind a server, or in an ONNX file."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.scan.looking.sharing import Sharing
from app.wiring import identity, input_settings, open_onnx, open_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from app.ports import InputSize, Model
    from app.settings import Settings

LEAST_PATIENCE_S: Final = 60.0
"""For one request: nobody waits for its answer."""


@dataclass(frozen=True)
class ModelSource:
    """Where the model is: as *settings* have it, or in the file ``onnx``.

    ``in_full``: no JPEG is decoded to half its sides first.
    """

    settings: Settings
    onnx: Path | None = None
    threads: int | None = None
    in_full: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return self.settings.model if self.onnx is None else str(self.onnx)

    def identity(self) -> str:
        """Return what tells it from any other model, or from itself asked another way."""
        told = identity(self.settings)
        if self.onnx is None:
            return told
        with self.onnx.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() + told


@dataclass(frozen=True)
class GatewaySource:
    """A gateway that runs. Its model takes images of ``size``; ``key`` opens its triggers.

    Of the *settings* those count that are about pictures and clean images.
    """

    settings: Settings
    url: str
    key: str | None
    size: InputSize
    in_full: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return self.url

    def identity(self) -> str:
        """Return what tells it from any other."""
        return repr((self.url, self.size))


@asynccontextmanager
async def opened_model(source: ModelSource) -> AsyncIterator[Model]:
    """Open the model of *source*. Raises OnnxError."""
    settings = source.settings
    if source.onnx is not None:
        told = input_settings(settings)
        yield Sharing(await asyncio.to_thread(open_onnx, source.onnx, told, source.threads))
        return
    patience = max(LEAST_PATIENCE_S, settings.patience)
    async with open_upstream(settings.model_copy(update={"patience": patience})) as model:
        yield model
