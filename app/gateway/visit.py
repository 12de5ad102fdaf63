"""One image at the gateway, with all that goes with it from the door to the answer."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.gateway.admission.rates import FREE
from app.gateway.timing import Timing
from app.pictures.encoding import png
from app.values import value_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Answers, Image
    from app.gateway.admission.rates import Account
    from app.ports import Arrival
    from app.wire.selection import Selection
    from app.wire.trace import Trace


@value_class(frozen=True)
class RequestFacts:
    """The request that images came in; ``key`` is its key's name, None where none is needed."""

    request_id: str = ""
    key: str | None = None


UNTOLD: Final = RequestFacts()
"""A request that nothing is known of: nobody's, or a test's."""


@value_class(frozen=True, eq=False)
class Visit:
    """An image as its caller sent it, and what it pays with.

    ``pay`` is told how many images are asked for it, each time before they are. ``selection`` is
    what else the request says, for the image and for its probes. ``sent`` is the picture file, or
    the image's row of the caller's tensor; None where nobody has sent it. Nothing is worked out of
    it unless somebody asks. In monitor mode its caller waits ``wait_s`` seconds for the verdict at
    most, None for as long as it takes; ``said`` is what the model has said, if it was asked before.
    ``trace`` goes upstream with what is asked for it. All images of a request have one ``timing``.
    """

    arrival: Arrival
    pay: Account = FREE
    selection: Selection | None = None
    request: RequestFacts = UNTOLD
    sent: bytes | NDArray[Any] | None = None
    wait_s: float | None = 0.0
    said: Answers | None = None
    trace: Trace | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def image(self) -> Image:
        """What it shows, at the model's input size."""
        return self.arrival.image

    @property
    def size(self) -> int:
        """How many bytes were sent."""
        sent = self.image if self.sent is None else self.sent
        return len(sent) if isinstance(sent, bytes) else sent.nbytes

    @property
    def sha256(self) -> str:
        """The digest of the bytes that were sent, in hexadecimal digits: of a row in C order."""
        sent = self.sent if isinstance(self.sent, bytes) else self._row.data
        return hashlib.sha256(sent).hexdigest()

    @property
    def picture(self) -> bytes:
        """A picture file of it: the one that was sent, or a PNG of a tensor's pixels."""
        return self.sent if isinstance(self.sent, bytes) else png(self.image)

    @property
    def _row(self) -> NDArray[Any]:
        return np.ascontiguousarray(self.image if self.sent is None else self.sent)
