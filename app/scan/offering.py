"""Offering what a scan has found to a gateway that runs.

A gateway takes no trigger on trust: what is shared protects every caller, and can be wrong. So it
is sent a few images that carry each, as any caller would send them. It screens them by its own
model and its own clean images, and keeps what it confirms itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from app.ports import InputSize
from app.remote_gateway.gateway import RunningGateway
from app.scan.looking.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.ports import Entry
    from app.scan.state.state import State


ANY_SIZE: Final = InputSize(1, 1, 1)
"""Of images where none is sent."""


@dataclass(frozen=True)
class Offer:
    """A trigger ``id`` of the scan: so many of its images ``sent``, and ``flagged`` there.

    ``known_as`` are the gateway's own triggers that they carry.
    """

    id: str
    sent: int
    flagged: int
    known_as: tuple[str, ...]

    def words(self) -> str:
        """Return it in words."""
        if not self.flagged:
            return f"{self.id}: the gateway finds no trigger in {self.sent} images that carry it"
        names = ", ".join(self.known_as)
        return f"{self.id}: {self.flagged} of {self.sent} images are flagged there, as {names}"


async def check_taker(url: str, key: str | None) -> None:
    """Return if there is a gateway at *url* to offer to: else it is known after hours.

    Raises GatewayError.
    """
    async with RunningGateway(url, ANY_SIZE, key) as gateway:
        await gateway.check_ready()


async def offered(url: str, key: str | None, state: State, entries: Sequence[Entry]) -> list[Offer]:
    """Send images with each of *entries* to the gateway at *url*. Raises GatewayError."""
    offers, patience = [], Patience()
    for entry in entries:
        pictures = [picture for _, picture in state.examples(entry.id)]
        trigger = entry.trigger
        size = InputSize(trigger.image_height, trigger.image_width, trigger.patch.shape[2])
        async with RunningGateway(url, size, key) as gateway:
            replies = [
                await patience.ask(partial(gateway.predict_file, picture)) for picture in pictures
            ]
        known_as = [one.trigger_id for one in replies if one is not None and one.trigger_id]
        offers.append(Offer(entry.id, len(pictures), len(known_as), tuple(dict.fromkeys(known_as))))
    return offers
