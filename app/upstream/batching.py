"""Large batches in parts: split, asked at the same time, joined in their order; all or nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from app.detection.search import Answers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.detection.search import Images


def split(images: Images, most: int) -> list[Images]:
    """Cut *images* into parts of *most*, filled from the front.

    So the images at the front of a call (a caller's own, and its first probes) travel together.
    """
    return [images[start : start + most] for start in range(0, len(images), most)]


async def ask_all(ask: Callable[[Images], Awaitable[Answers]], parts: Sequence[Images]) -> Answers:
    """Ask for all *parts* at the same time and join the answers in the order of the parts.

    If one fails the others are abandoned, and its own error is raised, not a group.
    """
    if len(parts) == 1:
        return await ask(parts[0])
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(ask(part))) for part in parts]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return joined([task.result() for task in tasks])


def joined(answers: Sequence[Answers]) -> Answers:
    """Join *answers*, either all with scores of the same classes or all without."""
    labels = np.concatenate([part.labels for part in answers])
    scores = [part.scores for part in answers if part.scores is not None]
    return Answers(labels, np.concatenate(scores) if scores else None)


async def _awaited(answers: Awaitable[Answers]) -> Answers:
    return await answers
