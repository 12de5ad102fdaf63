"""Whatever is packed, and however badly: its size as told, within what is allowed, or an error."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.packing import PackingError, UnpackedTooLargeError, unpacked, unpacked_size
from tests.fuzz.damage import damaged

PLAIN = st.binary(max_size=200) | st.integers(0, 300_000).map(bytes)
PACKED = PLAIN.map(gzip.compress) | PLAIN.map(zlib.compress)


@settings(deadline=None)
@given(damaged(PACKED), st.sampled_from(("gzip", "deflate", "br", "")), st.integers(0, 400_000))
def test_packed(body: bytes, encoding: str, most: int) -> None:
    """Damaged, cut, doubled or too large packed bodies raise nothing but PackingError."""
    try:
        size = unpacked_size(body, encoding, most)
    except PackingError as error:
        assert len(str(error)) < 200  # noqa: PT017  # either outcome will do
    else:
        assert size <= most
        assert size == len(unpacked(body, encoding))


@given(PLAIN)
def test_whole(plain: bytes) -> None:
    """What is whole becomes what it was, if it may be as large as that."""
    packed = gzip.compress(plain)
    assert len(plain) == unpacked_size(packed, "gzip", len(plain))
    assert plain == unpacked(packed, "gzip")
    if plain:
        with pytest.raises(UnpackedTooLargeError):
            unpacked_size(packed, "gzip", len(plain) - 1)


@given(st.lists(PLAIN, min_size=1, max_size=9))
def test_several_members(plain: list[bytes]) -> None:
    """A gzip body of several members is what they are together, and no larger than allowed."""
    packed, together = b"".join(map(gzip.compress, plain)), b"".join(plain)
    assert len(together) == unpacked_size(packed, "gzip", len(together))
    assert together == unpacked(packed, "gzip")
    if together:
        with pytest.raises(UnpackedTooLargeError):
            unpacked_size(packed, "gzip", len(together) - 1)
