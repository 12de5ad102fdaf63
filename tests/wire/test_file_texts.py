"""Base64 in each of the forms that clients write."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from app.wire.file_texts import FileTextError, file_of

FILE = bytes(range(256)) + b"\xfb\xff\xfe"
PLAIN = base64.b64encode(FILE).decode()


@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize("packed", [base64.b64encode, base64.encodebytes, base64.urlsafe_b64encode])
def test_alphabets_lines_and_padding(packed: object, cut: int) -> None:
    """Either alphabet, in lines or in one, padded or not, as text or as bytes."""
    assert callable(packed)
    file = FILE[: len(FILE) - cut]
    written = packed(file)
    for one in (written, written.replace(b"\n", b"\r\n"), written.strip().rstrip(b"=")):
        assert file == file_of(one)
        assert file == file_of(one.decode())


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{PLAIN}",
        f"DATA:;Base64,{PLAIN}",
        f" data:image/svg+xml;charset=utf-8;base64,{quote(PLAIN)}\n",
        f"data:text/html;base64,{PLAIN.rstrip('=')}",
    ],
)
def test_data_urls(text: str) -> None:
    """A data URL is its base64, whatever media type it says."""
    assert FILE == file_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "AAAAA",
        "AA==AAAA",
        "A=AA",
        "QUJD!",
        "QUJDé",
        "QUJD\0",
        "%41%41%41%41",
        "http://127.0.0.1/a",
        "data:image/png;base64",
        "data:image/png,AAAA",
        f"data:{'x' * 300};base64,AAAA",
        "data:;base64,data:;base64,AAAA",
    ],
)
def test_what_is_no_base64(text: str) -> None:
    """Other letters, padding within, and URLs of another kind are refused."""
    with pytest.raises(FileTextError):
        file_of(text)


def test_nothing_is_an_empty_file() -> None:
    """An empty text is a file without bytes."""
    assert b"" == file_of("") == file_of("data:;base64,")
