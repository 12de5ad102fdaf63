"""The measurement: the same images directly and through the gateway, in turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.bench.clients import direct_clients, gateway_clients
from app.bench.load import joined, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.bench.load import Load
    from app.detection.search import Images
    from app.settings import Settings, Strategy

TURNS = 4
"""The two ways take turns, so that whatever else the machine does slows both alike."""

WARM_UP = 10
"""Requests each way before anything is measured: first answers are slow."""


@dataclass(frozen=True, eq=False)
class Sent:
    """The images, and the same as PNG files."""

    images: Images
    pictures: Sequence[bytes]


@dataclass(frozen=True, eq=False)
class Comparison:
    """``clients`` of a gateway with this ``strategy``, and as many of the model server itself."""

    strategy: Strategy
    clients: int
    direct: Load
    gateway: Load


async def compare(
    settings: Settings, gateway_url: str, sent: Sent, clients: int, requests: int
) -> Comparison:
    """Send so many *requests* each way. Raises UpstreamError, BenchError."""
    count = len(sent.images)
    async with (
        direct_clients(settings, sent.images, clients) as direct,
        gateway_clients(gateway_url, settings, sent.pictures, clients) as through,
    ):
        await load(direct, count, max(WARM_UP, clients))
        await load(through, count, max(WARM_UP, clients))
        directly: list[Load] = []
        through_gateway: list[Load] = []
        for turn in range(min(TURNS, requests)):
            part = len(range(turn, requests, TURNS))
            directly.append(await load(direct, count, part))
            through_gateway.append(await load(through, count, part))
    return Comparison(settings.strategy, clients, joined(directly), joined(through_gateway))
