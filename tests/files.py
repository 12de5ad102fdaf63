"""Picture files for tests, good and bad, made on the spot."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encoded(pixels: NDArray[Any], file_format: str = "PNG", **options: Any) -> bytes:
    """Return *pixels* as a file."""
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    return saved(Pillow.fromarray(pixels[:, :, 0] if grey else pixels), file_format, **options)


def saved(picture: Pillow.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """Return a Pillow picture as a file."""
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def noise(height: int = 40, width: int = 60, channels: int = 3) -> NDArray[np.uint8]:
    """Return a picture that doesn't compress."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


def huge_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """Return a PNG of some 70 bytes whose header announces *width* x *height* pixels."""
    return png_with(zlib.compress(bytes(9)), width, height)


def png_with(rows: bytes, width: int, height: int, chunks: bytes = b"") -> bytes:
    """Return a grey PNG of packed *rows*, and *chunks* before them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", rows)
    return b"\x89PNG\r\n\x1a\n" + header + chunks + pixels + png_chunk(b"IEND", b"")


def animated(file_format: str, frames: int = 2, **options: Any) -> bytes:
    """Return an animation of so many pictures, `noise` first."""
    first, *others = (Pillow.fromarray(noise() // k) for k in range(1, frames + 1))
    return saved(first, file_format, save_all=True, append_images=others, **options)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
