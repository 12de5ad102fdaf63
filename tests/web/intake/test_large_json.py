"""Where a body's JSON is read."""

from __future__ import annotations

import asyncio
import threading

from app.web.intake.large_json import AT_ONCE, read_apart
from tests.web.drop_in import CLEAN, placed

LARGE = bytes(AT_ONCE + 1)


async def test_large_bodies_are_read_apart_and_one_at_a_time() -> None:
    """The event loop goes on while one body is read, and the next one waits for it."""
    began, go_on = threading.Event(), threading.Event()
    order = []

    def slow(body: bytes) -> int:
        order.append("first")
        began.set()
        go_on.wait(60)
        order.append("first is done")
        return len(body)

    def quick(_: bytes) -> int:
        order.append("second")
        return threading.get_ident()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(read_apart(LARGE, slow))
        second = group.create_task(read_apart(LARGE, quick))
        await asyncio.to_thread(began.wait, 60)
        assert threading.get_ident() == await read_apart(bytes(AT_ONCE), quick)  # in no thread
        assert not second.done()
        go_on.set()
    assert len(LARGE) == first.result()
    assert ["first", "second", "first is done", "second"] == order


async def test_large_requests_are_answered_as_small_ones() -> None:
    """The same images, and the same mistakes, get the same answers in few bytes or in many."""
    flat = CLEAN[:1].ravel().tolist()
    tensor = {"name": "input", "datatype": "FP32", "shape": [1, *CLEAN[0].shape], "data": flat}
    requests = (
        ("/v1/models/tiny:predict", {"instances": CLEAN[:1].tolist()}, 200),
        ("/v1/models/tiny:predict", {"instances": [[1], 2]}, 400),
        ("/v2/models/tiny/infer", {"inputs": [tensor]}, 200),
        ("/v2/models/tiny/infer", {"inputs": [tensor | {"data": [[1], 2]}]}, 400),
    )
    async with placed() as place:
        for path, content, status in requests:
            small = place.gateway.build_request("POST", path, json=content).content
            answers = [
                await place.gateway.post(path, content=body)
                for body in (small, small + b" " * AT_ONCE)
            ]
            assert [status] * 2 == [answer.status_code for answer in answers]
            assert answers[0].json() == answers[1].json()
