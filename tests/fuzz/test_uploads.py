"""Whatever the body and the content type of an upload: bytes, or an UploadError."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from app.web.intake.uploads import UploadError, uploaded
from tests.fuzz.damage import damaged

if TYPE_CHECKING:
    from starlette.types import Message

MAX_BODY = 100_000
CHARSETS = ("idna", "punycode", "undefined", "utf-16", "utf-7", "rot13", "zlib", "none-such", "")
BOUNDARIES = (*["b"] * 20, "'()+_,-./:=? b", "a" * 70, "a" * 300, "", " ", '"', "b\\", "\xff")
FORM = "multipart/form-data; boundary=b"
FILE = b'Content-Disposition: form-data; name="file"; filename="x"'
NAMES = (*["file"] * 8, "a", "", "\xff", "x" * 5000, 'a"; filename="b', "*", "\r\n")
CONTENTS = (b"", b"x", b"xn--" + b"a" * 200, b"\xff\xfe", b"\r\n", b"\r\n--b", b"x" * 9000)
HEADERS = (
    b"Content-Type: text/plain; charset=idna",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Transfer-Encoding: base64",
    b"content-disposition: form-data",
    b"A" * 5000 + b": b",
    b": ",
    b"A",
    b" folded",
    b"A: \x00",
)


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """Draw one part of a form, without the boundary before it; another form may be in it."""
    disposition = f'Content-Disposition: form-data; name="{draw(st.sampled_from(NAMES))}"'
    for name in ("filename", "filename*", "name*"):
        if draw(st.booleans()):
            disposition += f'; {name}="{draw(st.sampled_from(NAMES))}"'
    head = [disposition.encode(), *draw(st.lists(st.sampled_from(HEADERS), max_size=3))]
    inner = st.sampled_from(CONTENTS) | forms("b").map(lambda form: b"\r\n" + form)
    return b"\r\n".join((*head, b"", draw(inner if draw(st.booleans()) else st.binary())))


def forms(boundary: str) -> st.SearchStrategy[bytes]:
    """Draw a form whose parts are divided by *boundary*; not all have an end."""
    line = b"--" + boundary.encode("latin-1")
    ends = st.sampled_from((b"\r\n" + line + b"--\r\n", b"\r\n" + line + b"--", b"", b"\r\n", line))
    bodies = st.lists(st.deferred(parts), max_size=18 if boundary != "b" else 3).map(
        lambda each: b"\r\n".join(line + b"\r\n" + part for part in each)
    )
    return st.tuples(bodies, ends).map(b"".join)


@st.composite
def sent_forms(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw the content type and the body of a form, each damaged."""
    boundary = draw(st.sampled_from(BOUNDARIES))
    quote = draw(st.sampled_from(("", '"')))
    charset = draw(st.sampled_from(CHARSETS))
    told = [f"boundary={quote}{boundary}{quote}", f"charset={charset}", "charset*=idna''x"]
    content_type = "; ".join(("multipart/form-data", *draw(st.permutations(told))))
    whole = st.just(content_type.encode("latin-1"))
    head = draw(whole if draw(st.integers(0, 4)) else damaged(whole, most=1))
    return head.decode("latin-1"), draw(
        forms(boundary) if draw(st.booleans()) else damaged(forms(boundary))
    )


def ask(content_type: str, body: bytes, piece: int) -> None:
    """Check that there are bytes in the upload, which comes in pieces, or an UploadError."""
    places = range(0, max(len(body), 1), piece)
    messages: list[Message] = [
        {"type": "http.request", "body": body[at : at + piece], "more_body": at != places[-1]}
        for at in places
    ]

    async def receive() -> Message:
        return messages.pop(0)

    headers = [(b"content-type", content_type.encode("latin-1"))]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    try:
        assert isinstance(asyncio.run(uploaded(request, MAX_BODY)), bytes)
    except UploadError as error:
        assert len(str(error)) < 10_000  # noqa: PT017  # either outcome will do


@settings(deadline=None)
@given(sent_forms(), st.sampled_from((1, 7, 100, MAX_BODY)))
@example((f"{FORM}; charset=undefined", b"--b\r\n" + FILE + b"\r\n\r\nx\r\n--b--"), 7)
def test_forms(sent: tuple[str, bytes], piece: int) -> None:
    """Odd charsets, boundaries, headers and ends of forms raise nothing but the known errors."""
    ask(*sent, piece)


@settings(deadline=None)
@given(damaged(st.just(json.dumps({"image": "AAAA", "a": [{}]}).encode())))
def test_json(body: bytes) -> None:
    """Damaged JSON raises nothing but the known errors."""
    ask("application/json", body, MAX_BODY)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=60), st.binary(max_size=60))
def test_content_types(content_type: str, body: bytes) -> None:
    """Content types that are none raise nothing but the known errors."""
    ask(content_type, body, MAX_BODY)
