"""What one worker may ask of the upstream, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The upstream's limits, for each worker.

    ``timeout_s`` is for one request with its retry, from the connection to the answer's last byte;
    ``background_timeout_s`` for one that no caller waits for.
    ``in_flight`` infer requests are at the upstream at a time; once ``waiting_images`` wait for
    their turn, a new call is refused. A request has at most
    ``batch_images`` images and about ``batch_bytes`` bytes, an answer ``answer_bytes``.
    """

    connect_timeout_s: float = 2.0
    timeout_s: float = 30.0
    background_timeout_s: float = 30.0
    in_flight: int = 8
    waiting_images: int = 4096
    batch_images: int = 64
    batch_bytes: int = 16 * MEBIBYTE  # the heap reuses buffers of this size without page faults
    answer_bytes: int = 64 * MEBIBYTE
