"""Upstreams that are down, slow, broken, or answer nonsense: an error of its class, no guess."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from app.ports import (
    InputSize,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.upstream.http.limits import Limits
from app.wire.reading import HEADER_LENGTH
from app.wire.tensors import TensorSpec
from tests.upstream.raw_server import RawServer, Reaction, ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.upstream.conftest import Connect, Listen

IMAGES = np.zeros((2, 6, 5, 1), np.uint8)


def scores(*rows: list[Any], **fields: object) -> bytes:
    """Write an answer with these rows of scores."""
    told = {"name": "y", "datatype": "FP32", "shape": [len(rows), len(rows[0])], "data": rows}
    return orjson.dumps({"model_name": "digits", "outputs": [told | fields]})


GOOD = scores([0.1, 0.9], [0.8, 0.2])
ANSWER = Reaction(ok(GOOD))
TRUNCATED = Reaction(ok(GOOD)[:-10], "close")
BINARY = GOOD.replace(b'"data":[[0.1,0.9],[0.8,0.2]]', b'"parameters":{"binary_data_size":16}')


def framed(length: int, raw: bytes) -> bytes:
    """Write a binary answer that says that its JSON is *length* bytes long."""
    return ok(BINARY + raw, f"{HEADER_LENGTH}: {length}")


@pytest.mark.parametrize(
    ("raw", "error", "reason"),
    [
        (ok(b"<html>Sign in</html>", "Content-Type: text/html"), UpstreamAnswerError, "Sign in"),
        (ok(b'{"error": "no memory"}'), UpstreamAnswerError, "no memory"),
        (ok(b'{"predictions": [[0.1, 0.9]]}'), UpstreamAnswerError, "outputs are: none"),
        (ok(b""), UpstreamAnswerError, "not JSON"),
        (ok(scores([0.1, 0.9])), UpstreamAnswerError, "to 2 images"),
        (ok(scores(*[[0.1, 0.9]] * 3)), UpstreamAnswerError, "to 2 images"),
        (ok(scores(*[[0.1, 0.9]] * 2, shape=[4])), UpstreamAnswerError, "to 2 images"),
        (ok(GOOD.replace(b"0.9", b"NaN")), UpstreamAnswerError, "finite .* NEO_INPUT_SCALE"),
        (ok(GOOD.replace(b"0.9", b"-Infinity")), UpstreamAnswerError, "finite"),
        (ok(GOOD.replace(b"0.9", b"null")), UpstreamAnswerError, "another type"),
        (ok(GOOD.replace(b"FP32", b"BYTES")), UpstreamAnswerError, "another type"),
        (ok(GOOD, "X: " + "x" * 40_000), UpstreamAnswerError, "doesn't speak HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", UpstreamAnswerError, "doesn't speak HTTP"),
        (ok(BINARY + bytes(16)), UpstreamAnswerError, "not JSON"),
        (framed(-1, bytes(16)), UpstreamAnswerError, HEADER_LENGTH),
        (framed(len(BINARY) + 17, bytes(16)), UpstreamAnswerError, HEADER_LENGTH),
        (framed(len(BINARY), bytes(15)), UpstreamAnswerError, "16 of the 15 bytes"),
        (framed(len(BINARY), b"\xff" * 16), UpstreamAnswerError, "finite"),
        (ok(b"x" * 5001), UpstreamAnswerError, "larger than 5000"),
        (ok(b"<html>", status="502 Bad Gateway"), UpstreamStatusError, "502: Bad Gateway"),
        (ok(b"", "Location: /", status="307 Moved"), UpstreamStatusError, "307: Moved"),
    ],
)
async def test_bad_answer(
    listen: Listen, connect: Connect, raw: bytes, error: type[UpstreamError], reason: str
) -> None:
    """A bad answer is an error of its class that says what came, and isn't asked for again."""
    server = RawServer(lambda _: Reaction(raw), extensions=("binary_tensor_data",))
    model = await connect(await listen(server), limits=Limits(answer_bytes=5000))

    with pytest.raises(error, match=reason):
        await model.answer(IMAGES)
    assert 1 == len(server.infers)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ok(b'{"error": "out of memory"}', status="500 X"), "out of memory"),
        (ok(b'{"detail": [{"loc": 1}]}', status="422 X"), '"loc":1'),
        (ok(b"x" * 999999, status="413 Too Large"), "413: Too Large"),
    ],
)
async def test_refusal(listen: Listen, connect: Connect, raw: bytes, reason: str) -> None:
    """What may be too many images is asked again with half of them, until there is one."""
    server = RawServer(lambda _: Reaction(raw))
    model = await connect(await listen(server))

    with pytest.raises(UpstreamStatusError, match=reason):
        await model.answer(IMAGES)
    assert 2 == len(server.infers)


async def test_long_error(listen: Listen, connect: Connect) -> None:
    """Of a server's words about its error 200 characters are kept, on one line."""
    body = orjson.dumps({"error": "line\n" * 9999})
    model = await connect(await listen(RawServer(lambda _: Reaction(ok(body, status="500 X")))))

    with pytest.raises(UpstreamStatusError) as caught:
        await model.answer(IMAGES)
    assert f"the upstream answered 500: {'line ' * 40}"[:228] == str(caught.value)
    assert 500 == caught.value.status


async def test_good_binary_answer(listen: Listen, connect: Connect) -> None:
    """The binary answer that the faults above are made of is good."""
    raw = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32).tobytes()
    server = RawServer(lambda _: Reaction(framed(len(BINARY), raw)))
    answers = await (await connect(await listen(server))).answer(IMAGES)

    assert [1, 0] == answers.labels.tolist()


async def test_server_that_does_not_describe_itself(listen: Listen, connect: Connect) -> None:
    """Without the server's metadata JSON is spoken, and no compressed answer is asked for."""
    server = RawServer(lambda _: ANSWER, extensions=None)
    answers = await (await connect(await listen(server))).answer(IMAGES)

    assert [1, 0] == answers.labels.tolist()
    assert b"\r\nContent-Type: application/json\r\n" in server.heads[0]
    assert b"\r\nAccept-Encoding: identity\r\n" in server.heads[0]


async def test_batches_of_one(listen: Listen, connect: Connect) -> None:
    """A model that takes one image at a time is asked once for each."""
    one = Reaction(ok(scores([0.1, 0.9])))
    server = RawServer(lambda _: one, inputs=(TensorSpec("x", "FP32", (1, 6, 5, 1)),))
    answers = await (await connect(await listen(server))).answer(IMAGES)

    assert ([1, 1], 2) == (answers.labels.tolist(), len(server.infers))


async def test_other_classes_than_before(listen: Listen, connect: Connect) -> None:
    """A model whose number of classes changes is another model: its answer isn't used."""
    three = Reaction(ok(scores([0.1, 0.9, 0], [0.8, 0.2, 0])))
    server = RawServer(lambda number: ANSWER if number == 1 else three)
    model = await connect(await listen(server))

    await model.answer(IMAGES)
    with pytest.raises(UpstreamAnswerError, match="scored 3 classes, and 2 before"):
        await model.answer(IMAGES)


async def test_one_bad_part(listen: Listen, connect: Connect) -> None:
    """If one part of a batch gets a bad answer the whole call fails, with that part's own error."""
    one = Reaction(ok(scores([0.1, 0.9])))
    server = RawServer(lambda number: TRUNCATED if number == 2 else one)
    model = await connect(await listen(server), limits=Limits(batch_images=1, in_flight=1))

    with pytest.raises(UpstreamUnreachableError, match="its answer broke off"):
        await model.answer(IMAGES)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", ok(GOOD)[:-10]])
async def test_hanging(listen: Listen, connect: Connect, begun: bytes) -> None:
    """A server that doesn't finish its answer is a time-out, and isn't asked again."""
    server = RawServer(lambda _: Reaction(begun, "hang"))
    model = await connect(await listen(server), limits=Limits(timeout_s=0.2))

    with pytest.raises(UpstreamTimeoutError, match="didn't answer in time"):
        await model.answer(IMAGES)
    assert 1 == len(server.infers)


async def test_endless_answer(listen: Listen, connect: Connect) -> None:
    """An answer is given up as soon as it is too large, not when it ends."""
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 5001
    server = RawServer(lambda _: Reaction(begun, "hang"))
    model = await connect(await listen(server), limits=Limits(answer_bytes=5000))

    with pytest.raises(UpstreamAnswerError, match="larger than 5000"):
        await model.answer(IMAGES)


async def test_no_connection_in_time(connect: Connect) -> None:
    """A host that takes no connection is a time-out after the connection's own limit."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        model = await connect(url, limits=Limits(connect_timeout_s=0.2))
        async with asyncio.timeout(10):
            with pytest.raises(UpstreamTimeoutError):
                await model.check()


async def test_late_answer(listen: Listen, connect: Connect) -> None:
    """The answer to an abandoned call never becomes the answer to the next one."""
    asked, other = asyncio.Event(), scores([0.7, 0.3], [0.7, 0.3])

    def react(number: int) -> Reaction:
        asked.set()
        return Reaction(ok(GOOD)[:40], "hang") if number == 1 else Reaction(ok(other))

    server = RawServer(react)
    model = await connect(await listen(server))
    abandoned = asyncio.create_task(model.answer(IMAGES))
    await asked.wait()
    abandoned.cancel()
    answers = await model.answer(IMAGES)

    assert [0, 0] == answers.labels.tolist()
    assert server.infers[0] != server.infers[1]


async def test_broken_connection_is_tried_again(listen: Listen, connect: Connect) -> None:
    """A kept-alive connection that the server has just closed costs one repetition, no error."""
    server = RawServer(lambda number: Reaction(then="close") if number == 2 else ANSWER)
    model = await connect(await listen(server))

    await model.answer(IMAGES)
    answers = await model.answer(IMAGES)

    assert [1, 0] == answers.labels.tolist()
    assert [1, 1, 2] == server.infers
    assert (4, 2) == (model.asked, model.round_trips)


async def test_only_one_repetition(listen: Listen, connect: Connect) -> None:
    """If the repetition's connection breaks too the call fails."""
    server = RawServer(lambda _: Reaction(then="close"))
    model = await connect(await listen(server))

    with pytest.raises(UpstreamUnreachableError, match="the connection broke"):
        await model.answer(IMAGES)
    assert [1, 2] == server.infers


@pytest.mark.parametrize(
    ("lonely", "reaction"),
    [
        (True, Reaction(then="close")),
        (True, Reaction(b"HTTP/1.1 200 OK\r\nContent-Le", "close")),
        (True, TRUNCATED),
        (False, TRUNCATED),
    ],
)
async def test_nothing_is_sent_twice(
    listen: Listen,
    connect: Connect,
    *,
    lonely: bool,
    reaction: Reaction,
) -> None:
    """A fresh connection that breaks, or any in mid-answer, is an error without a repetition."""
    server = RawServer(lambda _: reaction, lonely=lonely)
    model = await connect(await listen(server))

    with pytest.raises(UpstreamUnreachableError):
        await model.answer(IMAGES)
    assert 1 == len(server.infers)


@pytest.mark.parametrize("ask", ["answer", "check"])
async def test_down_at_the_start(listen: Listen, connect: Connect, ask: str) -> None:
    """A server that comes up later is found by the first call that reaches it."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{reserved.getsockname()[1]}"
    model = await connect(f"http://user:secret@{address}")
    calls: dict[str, Callable[[], Any]] = {
        "answer": lambda: model.answer(IMAGES),
        "check": model.check,
    }

    with pytest.raises(UpstreamUnreachableError, match=rf"^{address}: no connection \(.*\)$"):
        await calls[ask]()
    with pytest.raises(UpstreamUnreachableError):
        model.size  # noqa: B018
    await listen(RawServer(lambda _: ANSWER), reserved)
    await calls[ask]()

    assert InputSize(6, 5, 1) == model.size


async def test_no_size_anywhere(listen: Listen, connect: Connect) -> None:
    """With a server that doesn't describe its model the owner is told which setting to make."""
    model = await connect(await listen(RawServer(lambda _: ANSWER, inputs=())))

    with pytest.raises(UpstreamAnswerError, match="set NEO_INPUT_SIZE"):
        await model.check()
