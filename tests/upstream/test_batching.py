"""Large batches in parts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from app.detection.search import Answers, Images
from app.ports import UpstreamTimeoutError
from app.upstream.batching import ask_all, split

IMAGES = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)


def test_split() -> None:
    """Parts are filled from the front, so that the first images travel together."""
    assert [4, 4, 2] == [len(part) for part in split(IMAGES, 4)]
    assert [10] == [len(part) for part in split(IMAGES, 64)]
    np.testing.assert_array_equal(np.concatenate(split(IMAGES, 3)), IMAGES)


@pytest.mark.parametrize("most", [1, 3, 10, 64])
@pytest.mark.parametrize("scored", [True, False])
async def test_order(most: int, *, scored: bool) -> None:
    """Answers come back in the order of the images, though the first part is answered last."""
    parts = split(IMAGES, most)
    answered: asyncio.Queue[int] = asyncio.Queue()

    async def ask(part: Images) -> Answers:
        if part is parts[0]:
            for _ in parts[1:]:
                await answered.get()
        else:
            answered.put_nowait(len(part))
        values = part.reshape(-1).astype(np.int64)
        scores = np.stack([values, values], axis=1).astype(np.float32) if scored else None
        return Answers(values, scores)

    answers = await ask_all(ask, parts)

    assert list(range(10)) == answers.labels.tolist()
    assert (None if answers.scores is None else answers.scores[:, 1].tolist()) == (
        list(range(10)) if scored else None
    )


async def test_one_fails() -> None:
    """If a part fails, its own error comes out, and the other parts are abandoned."""
    abandoned = []

    async def ask(part: Images) -> Answers:
        if part[0] == 4:
            message = "late"
            raise UpstreamTimeoutError(message)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            abandoned.append(int(part[0, 0, 0, 0]))
            raise
        raise AssertionError

    with pytest.raises(UpstreamTimeoutError, match="late"):
        await ask_all(ask, split(IMAGES, 4))
    assert [0, 8] == sorted(abandoned)
