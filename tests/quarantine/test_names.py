"""Where a kept image lies."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from app.quarantine.names import Named, read_path, stem_of, suffix_of
from tests.files import encoded
from tests.quarantine.kept import PICTURES, of
from tests.tiny import clean_images

DIGEST = hashlib.sha256(PICTURES[0]).hexdigest()


@pytest.mark.parametrize(
    ("key", "trigger", "folder"),
    [
        ("shop", "t-1", "key=shop/trigger=t-1"),
        (None, "t-1", "key=/trigger=t-1"),
        ("..", "../../etc", "key=../trigger=..%2F..%2Fetc"),
        ("a@b", "t\n1", "key=a@b/trigger=t%0A1"),
    ],
)
def test_it_is_named_after_what_is_in_it(key: str | None, trigger: str, folder: str) -> None:
    """Under its key and its trigger, whatever they are called, and never outside."""
    stem = stem_of(PICTURES[0], of(key, trigger))
    assert f"{folder}/{DIGEST}" == stem
    of_key, _, of_trigger = folder.partition("/")
    assert Named(of_key, of_trigger, stem) == read_path(f"{stem}.json")


def test_suffix_is_that_of_the_format() -> None:
    """The file's own beginning tells it, never a name that a caller gives."""
    image = clean_images(1, np.random.default_rng(0))[0]
    suffixes = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp"}
    found = {name: suffix_of(encoded(image, name)) for name in suffixes}
    assert suffixes == found
    assert "bin" == suffix_of(b"anything")


@pytest.mark.parametrize(
    "path",
    ["notes.txt", f"key=a/{DIGEST}.png", f"key=a/trigger=b/{DIGEST}.exe", f"a/b/{DIGEST}.png"],
)
def test_other_files_are_none_of_ours(path: str) -> None:
    """Only what lies and is called as it is kept is one of ours."""
    assert read_path(path) is None
