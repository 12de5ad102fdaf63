"""Pictures of requests to pixels: a small one at once, others in a few threads.

A thread can't be stopped. How long it may work is bounded by `pictures.decoding`, how long a
request waits for it is bounded here; and a thread whose request has gone keeps its place until it
is done, so that hostile pictures take no more than these threads.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from app.pictures.decoding import fitted, opened
from app.ports import Arrival
from app.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.search import Image
    from app.gateway.predict import Gateway
    from app.settings import Resize

T = TypeVar("T")

PATIENCE_S = 5.0
"""How long a request waits for its pictures; the slowest one that is taken costs a second."""

# Decoding a quarter of a megapixel takes a few milliseconds: more would hold up the event loop.
_WORK_AT_ONCE = 250_000
# A large picture takes some hundred megabytes and a core while it is decoded.
_TOGETHER = 2

PLACES = ThreadPoolExecutor(_TOGETHER, "decoding")
"""Where larger pictures are decoded, in the order of their arrival."""


@dataclass(frozen=True)
class PictureLimits:
    """So many pixels are taken at most; *resize* makes other sizes fit the model's."""

    max_pixels: int
    resize: Resize


class DecodingBusyError(Exception):
    """The pictures couldn't be decoded in time."""

    def __init__(self) -> None:
        super().__init__(
            f"decoding took longer than {PATIENCE_S:g} s: others are decoded at the same time, "
            "or these are too many; try again, or send fewer or smaller ones"
        )


async def decoded(body: bytes, gateway: Gateway, limits: PictureLimits) -> Image:
    """Return the picture in *body* as the model takes it.

    Raises PictureError, UpstreamError, DecodingBusyError.
    """
    await gateway.model.facts()  # a worker's first image needn't know the size before it asks
    with span("decode"):
        picture = opened(body, max_pixels=limits.max_pixels)
        if picture.work <= _WORK_AT_ONCE:
            return fitted(picture, gateway.size, limits.resize)
        return await _in_thread(partial(fitted, picture, gateway.size, limits.resize))


async def pictures(
    files: Sequence[bytes], gateway: Gateway, limits: PictureLimits
) -> tuple[Arrival, ...]:
    """Return the pictures in *files*. Raises PictureError, UpstreamError, DecodingBusyError."""
    if len(files) == 1:
        return (Arrival(await decoded(files[0], gateway, limits)),)
    await gateway.model.facts()
    end_s = time.monotonic() + PATIENCE_S

    def one_by_one() -> tuple[Arrival, ...]:
        arrivals = []
        for file in files:
            if time.monotonic() > end_s:  # nobody waits any more
                raise DecodingBusyError
            picture = opened(file, max_pixels=limits.max_pixels)
            arrivals.append(Arrival(fitted(picture, gateway.size, limits.resize)))
        return tuple(arrivals)

    with span("decode", pictures=len(files)):
        return await _in_thread(one_by_one)


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().run_in_executor(PLACES, work)
    except TimeoutError as exc:
        raise DecodingBusyError from exc
