"""What many ask at the same time is asked together, and each gets its own answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from app.ports import NOBODY, UpstreamUnreachableError
from app.scan.looking.sharing import MOST, Sharing
from tests.tiny import TinyModel, clean_images

if TYPE_CHECKING:
    from app.detection.search import Answers, Images
    from app.ports import Caller


class _Recorded(TinyModel):
    """The tiny model, with the sizes of the batches that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer, and let others ask meanwhile."""
        self.batches.append(len(images))
        await asyncio.sleep(0)
        return await super().answer(images, caller)


async def test_each_gets_its_own_answers() -> None:
    """However many share a batch; one batch is asked at a time, none is too large."""
    images = clean_images(200, np.random.default_rng(1))
    model = _Recorded()
    sharing = Sharing(model)
    sizes = np.random.default_rng(2).integers(1, 30, 12)
    ends = np.cumsum(sizes)
    parts = [images[end - size : end] for size, end in zip(sizes, ends, strict=True)]
    told = await asyncio.gather(*(sharing.answer(part) for part in parts))
    right = model.classify(images[: ends[-1]]).labels
    assert right.tolist() == np.concatenate([one.labels for one in told]).tolist()
    assert len(model.batches) < len(parts)
    assert max(model.batches) <= MOST


async def test_what_fails_fails_for_all_aboard() -> None:
    """And for nobody else: the next is asked."""
    model = TinyModel()
    sharing = Sharing(model)
    model.failure = UpstreamUnreachableError("away")
    image = clean_images(1, np.random.default_rng(1))
    told = await asyncio.gather(*(sharing.answer(image) for _ in range(3)), return_exceptions=True)
    assert [model.failure] * 3 == told
    model.failure = None
    assert 1 == len(await sharing.answer(image))
