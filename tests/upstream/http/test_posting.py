"""A request to a webhook's receiver."""

from __future__ import annotations

import pytest

from app.events.webhook.posting import Answer, UndeliveredError
from app.upstream.http.posting import ANSWER_BYTES, Poster
from tests.events.webhook.receiver import Receiver, answer

HEADERS = {"Content-Type": "application/json", "webhook-id": "e-1"}


async def test_what_is_sent() -> None:
    """One request with everything, to the path and the query; a password becomes a header."""
    async with Receiver() as receiver:
        url = receiver.url.replace("http://", "http://me:p%40ss@")
        assert Answer(204) == await Poster(url)(HEADERS, b"{}")
    (post,) = receiver.posts
    assert ("POST /hooks/s3cret?token=s3cret HTTP/1.1", b"{}") == (post.line, post.body)
    assert {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "neo-gateway",
        "connection": "close",
        "authorization": "Basic bWU6cEBzcw==",
        "content-type": "application/json",
        "webhook-id": "e-1",
        "content-length": "2",
    } == post.headers


async def test_no_redirect_is_followed() -> None:
    """Its status is the answer."""
    async with Receiver() as receiver:
        receiver.replies = [answer(307, f"Location: {receiver.url}")]
        assert Answer(307) == await Poster(receiver.url)(HEADERS, b"{}")
    assert 1 == len(receiver.posts)


async def test_when_it_wants_more() -> None:
    """Retry-After is read, as far as an hour."""
    async with Receiver(
        [answer(503, "Retry-After: 120"), answer(429, "Retry-After: 9999999")]
    ) as r:
        post = Poster(r.url)
        assert Answer(503, 120.0) == await post(HEADERS, b"{}")
        assert Answer(429, 3600.0) == await post(HEADERS, b"{}")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (None, "no answer within 0.2 s"),
        (b"", "the connection broke"),
        (b"HTTP/1.1 200 OK\r\nContent-", "its answer broke off"),
        (b"220 mail ready\r\n", "what answers doesn't speak HTTP"),
        (answer(200, body=bytes(ANSWER_BYTES + 1)), "its answer is too large"),
    ],
)
async def test_what_is_no_answer(reply: bytes | None, why: str) -> None:
    """It is said why, and nothing of the address."""
    async with Receiver([reply]) as receiver:
        with pytest.raises(UndeliveredError) as raised:
            await Poster(receiver.url, timeout_s=0.2)(HEADERS, b"{}")
    assert why == str(raised.value)


async def test_a_receiver_that_is_away() -> None:
    """The system's word for it."""
    with pytest.raises(UndeliveredError, match=r"^no connection \(connection refused\)$"):
        await Poster(Receiver().url)(HEADERS, b"{}")
