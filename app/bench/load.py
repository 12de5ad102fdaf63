"""A load: clients that each send their next image once the last one is answered."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reply:
    """What came back for one image: after how many inferences, flagged or not.

    ``refused`` says why there is no answer, None if there is one.
    """

    inferences: int
    flagged: bool = False
    refused: str | None = None


class Client(Protocol):
    """One caller of the model, directly or through the gateway."""

    async def ask(self, number: int) -> Reply:
        """Send the image of this *number*."""
        ...


@dataclass(frozen=True, eq=False)
class Load:
    """What came of a load: the requests' ``latencies`` (n,) and ``replies``, in no order.

    ``seconds`` is how long all of them together took.
    """

    latencies: NDArray[np.float64]
    replies: tuple[Reply, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.replies) / self.seconds

    def milliseconds(self, share: float) -> float:
        """Return what *share* percent of the requests took at most."""
        return float(np.percentile(self.latencies, share)) * 1000


async def load(clients: Sequence[Client], images: int, requests: int) -> Load:
    """Send the *images*, again and again, in so many *requests* altogether."""
    numbers = iter(itertools.islice(itertools.cycle(range(images)), requests))
    done: list[tuple[float, Reply]] = []
    started = perf_counter()
    tasks = [asyncio.create_task(_send(client, numbers, done)) for client in clients]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    taken = perf_counter() - started
    latencies, replies = zip(*done, strict=True)
    return Load(np.array(latencies), replies, taken)


def joined(loads: Sequence[Load]) -> Load:
    """Return *loads*, one after the other, as one."""
    return Load(
        np.concatenate([one.latencies for one in loads]),
        tuple(reply for one in loads for reply in one.replies),
        sum(one.seconds for one in loads),
    )


async def _send(client: Client, numbers: Iterator[int], done: list[tuple[float, Reply]]) -> None:
    for number in numbers:
        since = perf_counter()
        reply = await client.ask(number)
        done.append((perf_counter() - since, reply))
