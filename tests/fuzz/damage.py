"""Damage to bytes, as hypothesis draws it: flipped, cut, doubled, and lengths that lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

ByteOrder: TypeAlias = Literal["little", "big"]

_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def _byte(body: bytes, at: int, value: int) -> bytes:
    return body[:at] + bytes((value % 256,)) + body[at + 1 :]


def _short(body: bytes, at: int, value: int) -> bytes:
    order: ByteOrder = "little" if value % 2 else "big"
    return body[:at] + (_NUMBERS[value % 9] % 2**16).to_bytes(2, order) + body[at + 2 :]


def _word(body: bytes, at: int, value: int) -> bytes:
    order: ByteOrder = "little" if value % 2 else "big"
    return body[:at] + _NUMBERS[value % 13].to_bytes(4, order) + body[at + 4 :]


def _cut(body: bytes, at: int, value: int) -> bytes:
    return body[:at] + body[at + value :]


def _end(body: bytes, at: int, _: int) -> bytes:
    return body[:at]


def _doubled(body: bytes, at: int, value: int) -> bytes:
    return body[: at + value] + body[at:]


def _grown(body: bytes, at: int, value: int) -> bytes:
    return body[:at] + bytes(value) + body[at:]


_KINDS: tuple[Callable[[bytes, int, int], bytes], ...] = (
    _byte,
    _short,
    _word,
    _cut,
    _end,
    _doubled,
    _grown,
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes], most: int = 4) -> bytes:
    """Draw what *whole* draws, damaged up to *most* times, mostly near its beginning."""
    body = draw(whole)
    for _ in range(draw(st.integers(0, most))):
        reach = draw(st.sampled_from((40, 200, len(body)))) if body else 0
        at = draw(st.integers(0, min(reach, len(body))))
        body = draw(st.sampled_from(_KINDS))(body, at, draw(st.integers(0, 300)))
    return body
