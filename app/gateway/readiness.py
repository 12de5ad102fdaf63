"""Whether this worker can do its job now, part by part."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from app.ports import UpstreamError
from app.tracing import span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.ports import ServedModel


BETWEEN_LOOKS_S: Final = 0.1
"""Between two looks of a worker that has started whether it can answer by now."""


@dataclass(frozen=True)
class Part:
    """One thing that the gateway needs, and why it isn't there if it isn't.

    ``needed`` is False for a part that the gateway can go on without for a while (the store).
    ``note``: it is there, and does less than it could.
    """

    name: str
    problem: str | None
    needed: bool = True
    note: str | None = None


@dataclass(frozen=True)
class Readiness:
    """All parts: the upstream, the calibration of the references, the store."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        """Whether requests can be answered."""
        return not any(part.problem and part.needed for part in self.parts)

    @property
    def degraded(self) -> bool:
        """Whether something is missing that the gateway can go on without."""
        return self.ready and any(part.problem for part in self.parts)


class Drain:
    """Whether this worker is about to end."""

    def __init__(self) -> None:
        self.begun = False
        self._hearers: list[Callable[[], object]] = []

    def tell(self, hearer: Callable[[], object]) -> None:
        """Call *hearer* when it begins: in a signal's handler, so it may do next to nothing."""
        self._hearers.append(hearer)

    def begin(self) -> None:
        """Say from now on that it is."""
        if self.begun:
            return
        self.begun = True
        for hearer in self._hearers:
            hearer()


class Door:
    """Whether this worker lets clients in, and whether it is ready for them.

    Those that are in while it is closed are sent elsewhere with their next answer.
    """

    def __init__(self) -> None:
        self.open = True
        self.ready: Callable[[], bool] = lambda: True


class _Prepared(Protocol):
    """What can say if it is ready: for sure, and as far as it knows without asking anybody."""

    @property
    def prepared(self) -> bool: ...

    async def greet(self) -> None: ...

    async def readiness(self) -> Readiness: ...


@asynccontextmanager
async def readied(door: Door, gateway: _Prepared) -> AsyncIterator[None]:
    """Within the block *door* knows if *gateway* is ready: first when every part of it is there.

    After that only as long as it is prepared: an upstream that is away is so for all workers.
    """

    async def watch() -> None:
        with span("start"):
            while not (gateway.prepared and (await gateway.readiness()).ready):  # noqa: ASYNC110
                await asyncio.sleep(BETWEEN_LOOKS_S)  # others would have to tell of what they lack
        door.ready = lambda: gateway.prepared
        await gateway.greet()

    door.ready = lambda: False
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


class UpstreamCheck:
    """Asks the model if it is ready: once for everybody who wants to know at the same time."""

    def __init__(self, model: ServedModel, patience_s: float) -> None:
        self._model = model
        self._patience_s = patience_s
        self._asking: asyncio.Task[Part] | None = None

    async def part(self) -> Part:
        """Return what it says."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked())
        return await asyncio.shield(self._asking)

    async def _asked(self) -> Part:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._model.check()
        except UpstreamError as exc:
            return Part("upstream", exc.explained)
        except TimeoutError:
            return Part("upstream", f"no answer within NEO_PATIENCE ({self._patience_s:g} s)")
        return Part("upstream", None, note=self._model.note)
