"""A classifier in an ONNX file: the port `Model`, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from app.detection.search import Answers, Images
    from app.ports import InputSize
    from app.upstream.oip import InputSettings


class OnnxError(Exception):
    """The file can't be used as a classifier: its path, what is wrong, and what to do."""


class OnnxModel:
    """The model in the file *path*, asked on one core.

    *settings* is what the owner says of its input where the file doesn't. Raises OnnxError, or
    UpstreamAnswerError if its input or its output isn't a classifier's.
    """

    size: InputSize

    def __init__(self, path: Path, settings: InputSettings) -> None:
        raise NotImplementedError

    async def answer(self, images: Images) -> Answers:
        """Answer *images* (n, height, width, channels). Raises UpstreamAnswerError."""
        raise NotImplementedError

    async def check(self) -> None:
        """Return: a file that was read is ready."""
