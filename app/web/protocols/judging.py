"""Images that came in one request: each is judged on its own, all at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from app.web.answering.answers import verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from app.gateway.outcome import Outcome
    from app.gateway.predict import Gateway
    from app.gateway.visit import Visit

# The others of a request wait: their probes would only wait for the model.
_IMAGES_TOGETHER = 32
_MOST_VERDICTS = 1000


async def judged(visits: Sequence[Visit], gateway: Gateway) -> list[Outcome]:
    """Return what becomes of each image; their probes share the upstream's batches.

    If one can't be answered none is: its own error is raised (UpstreamError, UnscreenedError,
    SelectionError).
    """
    if len(visits) == 1:
        return [await gateway.predict(visits[0])]
    places = asyncio.Semaphore(_IMAGES_TOGETHER)

    async def one_judged(visit: Visit) -> Outcome:
        async with places:
            return await gateway.predict(visit)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one_judged(visit)) for visit in visits]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def rows(
    outcomes: Sequence[Outcome], names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Return what the model said of all images, by name, each (n, ...): the sanitised answers.

    Of these *names*, or all. Raises UnscreenedError where that might tell an attacker's class.
    """
    each = [one.outputs(names) for one in outcomes]
    if len(each) == 1:
        return dict(each[0])
    return {name: np.concatenate([one[name] for one in each]) for name in each[0]}


def flags(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the headers that tell, image by image, which carries a trigger.

    The verdicts are left out where there are more than `_MOST_VERDICTS`: clients and proxies take
    no headers of any length.
    """
    told = {"X-Neo-Backdoor": ",".join(["1" if one.backdoor else "0" for one in outcomes])}
    if len(outcomes) <= _MOST_VERDICTS:
        told["X-Neo-Verdict"] = ",".join([verdict(one) for one in outcomes])
    return told
