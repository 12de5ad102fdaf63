"""Actors of Ray, each a process of its own: on this machine, or on a cluster.

They are Ray's own actors and not those of `map_batches`: Ray Data starts its actors anew for each
dataset, which takes seconds, and what one wave has shown decides what the next one looks for.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from app.scan.engines.actor import Seat
from app.scan.engines.members import DiedError, shared_out
from app.scan.engines.port import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.scan.engines.answering import Failed
    from app.scan.engines.equipment import Equipment, GatewayEquipment
    from app.scan.looking.tasks import Looks, Task

logger = logging.getLogger(__name__)

REACHED_S: Final = 10.0
"""Within which a cluster is reached, or isn't there."""


class Actors:
    """The port `Engine`: so many actors, each with the same *equipment*.

    They run on the cluster at *address*, which Ray knows as such; without one Ray is started here,
    reached by nobody else. Without a *count* there is one for each core of the cluster. Use it as
    an async context manager.
    """

    def __init__(
        self, count: int | None, equipment: Equipment | GatewayEquipment, address: str | None
    ) -> None:
        self._count = count
        self._equipment = equipment
        self._address = address
        self._members: list[_Actor] = []

    async def __aenter__(self) -> Self:
        # In a thread, where Ray leaves the handlers of this process's signals as they are.
        cores = await asyncio.to_thread(_connect, self._address, self._count)
        self._members = [_Actor(self._equipment) for _ in range(self._count or cores)]
        return self

    async def __aexit__(self, *_: object) -> None:
        import ray  # noqa: PLC0415  # an extra

        await asyncio.to_thread(ray.shutdown)  # our actors end with it

    def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Yield the number of each of *tasks*, and what is said of it. Raises EngineError."""
        return shared_out(self._members, tasks)


class _Actor:
    """One actor."""

    def __init__(self, equipment: Equipment | GatewayEquipment) -> None:
        self._equipment = equipment
        self._actor = self._new()

    def _new(self) -> Any:  # noqa: ANN401  # as Ray has it
        import ray  # noqa: PLC0415  # as above

        return ray.remote(num_cpus=1)(Seat).remote(self._equipment)

    async def restart(self) -> None:
        import ray  # noqa: PLC0415  # as above

        ray.kill(self._actor)
        self._actor = self._new()

    async def told(self, task: Task) -> Looks | Failed:
        from ray.exceptions import RayError  # noqa: PLC0415  # as above

        try:
            answer: Looks | Failed = await self._actor.look.remote(task)
        except RayError as exc:
            logger.warning("an actor has failed: %s", type(exc).__name__)
            raise DiedError from exc
        return answer


def _connect(address: str | None, count: int | None) -> int:
    """Connect to the cluster at *address*, or start one; return how many cores it has."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    own: dict[str, Any] = {}
    if address is None:
        # Whatever the system is: what Ray starts then listens on the loopback address alone.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        own = {"num_cpus": count, "include_dashboard": False}
    import ray  # noqa: PLC0415  # as above

    try:
        _check_reachable(address)
        ray.init(
            address or "local",
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            **own,
        )
    except Exception as exc:  # it raises all kinds of them, plain ones as well
        where = "Ray can't be started here" if address is None else f"--ray-address {address}"
        message = f"{where}: {' '.join(str(exc).split())}"
        raise EngineError(message) from exc
    return int(ray.cluster_resources().get("CPU", 1))


def _check_reachable(address: str | None) -> None:
    """Return if somebody listens at *address*, where Ray tries for minutes.

    Raises OSError, ValueError.
    """
    if address is None:
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.port is not None:  # `auto` has none
        socket.create_connection((parts.hostname or "", parts.port), timeout=REACHED_S).close()
