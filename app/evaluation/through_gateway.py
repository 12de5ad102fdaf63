"""The same through a gateway that runs, over HTTP: what its clients see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Answers, Images
    from app.evaluation.records import Run, Screened, Stream
    from app.evaluation.subject import Subject
    from app.ports import InputSize


class GatewayError(Exception):
    """The gateway can't be used: its address, what is wrong, and what to do."""


class RunningGateway:
    """The gateway at *url*, whose model takes images of *size*; also the port `Model`.

    *key* is sent with each request: an admin key where the gateway has keys, since only that may
    read the triggers. Use it as an async context manager.
    """

    def __init__(self, url: str, size: InputSize, key: str | None = None) -> None:
        self.url, self.size, self._key = url, size, key

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def answer(self, images: Images) -> Answers:
        """Return what the gateway's model itself says of *images*, without scores.

        The gateway screens them as any others, so they are not asked before the stream has ended.
        Raises GatewayError.
        """
        raise NotImplementedError

    async def check(self) -> None:
        """Return if the gateway is ready and lets this client in. Raises GatewayError."""
        raise NotImplementedError


class GatewayTrial:
    """The gateway's own strategy on *stream*; used like a `Trial`.

    The *subject*'s model is the gateway.
    """

    def __init__(
        self, subject: Subject, stream: Stream, gateway: RunningGateway, seed: int
    ) -> None:
        self.subject, self.stream, self.gateway, self.seed = subject, stream, gateway, seed
        self.screened: list[Screened] = []

    async def prepare(self) -> None:
        """Return if the gateway is ready. Raises GatewayError."""
        raise NotImplementedError

    async def screen_all(self, progress: Callable[[], None]) -> None:
        """Send the stream, image by image; *progress* is called after each. Raises GatewayError."""
        raise NotImplementedError

    def record(self) -> Run:
        """Return what is known by now; any time after `prepare`."""
        raise NotImplementedError
