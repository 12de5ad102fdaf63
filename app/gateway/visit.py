"""One image at the gateway, with all that goes with it from the door to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.gateway.admission.rates import FREE

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.gateway.admission.rates import Account
    from app.ports import Arrival
    from app.wire.selection import Selection


@dataclass(frozen=True, eq=False)
class Visit:
    """An image as its caller sent it, and what it pays with.

    ``pay`` is told how many images are asked for it, each time before they are. ``selection`` is
    what else the request says, for the image and for its probes.
    """

    arrival: Arrival
    pay: Account = FREE
    selection: Selection | None = None

    @property
    def image(self) -> Image:
        """What it shows, at the model's input size."""
        return self.arrival.image
