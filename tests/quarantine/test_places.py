"""Where images are kept: a folder, and what fsspec knows."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import orjson
import pytest

from app.quarantine.eviction import kept_in
from app.quarantine.names import stem_of
from app.quarantine.places import ABANDONED_S, Cloud, Folder
from app.settings.api_keys import keys
from tests.quarantine.kept import of

if TYPE_CHECKING:
    from pathlib import Path

    from app.quarantine.places import Place

PATH = "key=a/trigger=b/c.png"


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a folder, then a place in memory by fsspec."""
    if request.param == "folder":
        return Folder(tmp_path / "q")
    return Cloud(f"memory://bucket/{uuid.uuid4()}/")


def test_what_is_written_is_there(place: Place) -> None:
    """Written, replaced, listed, removed; removing what has gone is no error."""
    assert [] == list(place.files())
    for content in (b"first", b"second"):
        place.write(PATH, content)
    (file,) = place.files()
    assert (PATH, 6) == (file.path, file.size)
    assert place.address(PATH).endswith(f"/{PATH}")
    for _ in range(2):
        place.remove(PATH)
    assert [] == list(place.files())


def test_folders_are_made_where_there_are_folders(tmp_path: Path) -> None:
    """Below what there is; the first folder, an object store's bucket, isn't ours to make."""
    Cloud(f"file://{tmp_path}/q").write(PATH, b"x")
    assert b"x" == (tmp_path / "q" / PATH).read_bytes()
    with pytest.raises(FileNotFoundError):
        Cloud("file:///nowhere-at-all/q").write(PATH, b"x")


def test_any_folder_has_an_address_that_can_be_written(tmp_path: Path) -> None:
    """Else incidents with it couldn't be, nor any after them."""
    folder = Folder(tmp_path / os.fsdecode(b"q-\xff"))
    folder.write(PATH, b"x")
    assert f"{tmp_path}/q-\\udcff/{PATH}" == folder.address(PATH)
    orjson.dumps(folder.address(PATH))


def test_the_longest_name_of_a_key_is_a_folder(place: Place) -> None:
    """Of 64 bytes, each of them percent-encoded."""
    (key,) = keys(f"{'ä' * 32} secret").values
    place.write(f"{stem_of(b'', of(key.name))}.bin", b"x")
    assert 1 == len(kept_in(place.files()))


def test_only_the_owner_sees_it(tmp_path: Path) -> None:
    """Folders are 700 and files 600, whatever the umask says; a folder that was there stays."""
    before = os.umask(0)
    try:
        Folder(tmp_path / "new" / "q").write(PATH, b"x")
    finally:
        os.umask(before)
    modes = {one.stat().st_mode & 0o777 for one in (tmp_path / "new").rglob("*") if one.is_dir()}
    assert {0o700} == modes
    assert 0o600 == (tmp_path / "new" / "q" / PATH).stat().st_mode & 0o777


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    """Where it can't be put in its place nothing is left; what a dead process left goes."""
    folder = Folder(tmp_path)
    (tmp_path / PATH).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        folder.write(PATH, b"x")
    (tmp_path / PATH).rmdir()
    assert [] == [one for one in tmp_path.rglob("*") if one.is_file()]
    for name, age_s in ((".new-dead", ABANDONED_S + 60), (".new-alive", 0.0)):
        (tmp_path / name).write_bytes(b"x")
        then = (tmp_path / name).stat().st_mtime - age_s
        os.utime(tmp_path / name, (then, then))
    assert [] == list(folder.files())
    assert [".new-alive"] == [one.name for one in tmp_path.glob(".new-*")]
