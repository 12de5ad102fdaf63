"""Files at addresses: in fsspec's own memory, which is as far away as any store to its users."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from app.scan.sources.items import SourceError, UnreadableError
from app.scan.sources.listing import listed
from app.scan.sources.reading import Reader
from tests.files import encoded, noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fsspec import AbstractFileSystem

A, B = encoded(noise(4, 4)), encoded(noise(5, 4))
MOST = 10_000
AWAY = "the store is away"


@pytest.fixture
def store() -> Iterator[AbstractFileSystem]:
    """Return an empty store."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs.clear()
    yield files
    files.store.clear()
    files.pseudo_dirs.clear()


def _read(address: str) -> dict[str, bytes | str]:
    """Return what is at *address*: bytes, or why there are none."""
    items = list(listed([address]))
    with Reader(MOST) as reader:
        contents = [
            str(one) if isinstance(one, UnreadableError) else one.body
            for one in reader.contents(items)
        ]
    return {item.path: content for item, content in zip(items, contents, strict=True)}


def test_files_below_an_address(store: AbstractFileSystem) -> None:
    """They are read some at a time, and come in the order of the list; large ones aren't read."""
    wanted: dict[str, bytes | str] = {}
    for i in range(50):
        store.pipe_file(f"/bucket/a/{i:02}.png", A if i % 2 else B)
        wanted[f"memory://bucket/a/{i:02}.png"] = A if i % 2 else B
    store.pipe_file("/bucket/b/large.png", bytes(MOST + 1))
    store.pipe_file("/bucket/b/notes.txt", B)
    store.pipe_file("/bucket/.hidden/c.png", B)
    wanted["memory://bucket/b/large.png"] = "10,001 bytes; NEO_MAX_BODY takes 10,000 at most"
    told = _read("memory://bucket")
    assert wanted == told
    assert list(wanted) == list(told)


def test_one_file_and_archives(store: AbstractFileSystem) -> None:
    """As on this machine: nothing is copied, parts are fetched."""
    packed, tar, array = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.png", A)
    with tarfile.open(fileobj=tar, mode="w:gz") as unpacked:
        facts = tarfile.TarInfo("two.png")
        facts.size = len(B)
        unpacked.addfile(facts, io.BytesIO(B))
    np.savez(array, x=noise(4, 4)[None])
    store.pipe_file("/bucket/a.zip", packed.getvalue())
    store.pipe_file("/bucket/b.tar.gz", tar.getvalue())
    store.pipe_file("/bucket/c.npz", array.getvalue())
    store.pipe_file("/bucket/d", A)
    assert {"memory://bucket/d": A} == _read("memory://bucket/d")
    assert {
        "memory://bucket/a.zip!/one.png": A,
        "memory://bucket/b.tar.gz!/two.png": B,
        "memory://bucket/c.npz!/0": noise(4, 4).tobytes(),
        "memory://bucket/d": A,
    } == _read("memory://bucket")


def test_files_of_this_machine(tmp_path: Path) -> None:
    """Their address has a third slash, which stays: else nothing of it could be read."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a.png").write_bytes(A)
    (tmp_path / "b" / "c.png").write_bytes(B)
    wanted = {f"file://{tmp_path}/a.png": A, f"file://{tmp_path}/b/c.png": B}
    assert wanted == _read(f"file://{tmp_path}") == _read(f"file://{tmp_path}/")


class LeavingFile(MemoryFile):  # type: ignore[misc]  # fsspec has no types
    """A file whose store is there until ``is_away``."""

    is_away = False

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what is there, while it is."""
        if LeavingFile.is_away:
            raise RuntimeWarning(AWAY)
        return bytes(super().read(size))


class LeavingStore(MemoryFileSystem):  # type: ignore[misc]  # as above
    """A store whose client raises errors of its own once it is away."""

    protocol = "leaving"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("leaving://")))

    def _open(self, path: str, *_: object, **__: object) -> LeavingFile:
        if LeavingFile.is_away:
            raise RuntimeWarning(AWAY)
        return LeavingFile(self, path, self.store[path].getvalue())


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.npz"])
def test_a_store_that_goes(
    store: AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """What was listed of an archive there is a row with the reason, and so is the archive."""
    fsspec.register_implementation("leaving", LeavingStore, clobber=True)
    packed = io.BytesIO()
    if name == "a.zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("one.png", A)
    elif name == "a.tar":
        with tarfile.open(fileobj=packed, mode="w") as unpacked:
            facts = tarfile.TarInfo("one.png")
            facts.size = len(A)
            unpacked.addfile(facts, io.BytesIO(A))
    else:
        np.savez(packed, x=noise(4, 4)[None])
    store.pipe_file(f"/bucket/{name}", packed.getvalue())
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"path\nleaving://bucket/{name}\n")
    (there,) = listed([str(manifest)])
    assert there.reason is None
    with Reader(MOST) as reader:
        assert reader.read(there).body
        monkeypatch.setattr(LeavingFile, "is_away", True)
        with pytest.raises(UnreadableError, match=AWAY):
            reader.read(there)
    with Reader(MOST) as reader, pytest.raises(UnreadableError, match=AWAY):
        reader.read(there)
    (gone,) = listed([str(manifest)])
    assert gone.path == f"leaving://bucket/{name}"
    assert AWAY in str(gone.reason)


def test_a_file_that_goes(store: AbstractFileSystem) -> None:
    """It is a row; the others are read."""
    for name in ("a.png", "b.png"):
        store.pipe_file(f"/bucket/{name}", A)
    items = list(listed(["memory://bucket"]))
    store.rm_file("/bucket/a.png")
    with Reader(MOST) as reader:
        gone, there = reader.contents(items)
    assert isinstance(gone, UnreadableError)
    assert not isinstance(there, UnreadableError)
    assert A == there.body


def test_stamps(store: AbstractFileSystem) -> None:
    """What is written anew has another one."""
    stamps = []
    for body in (A, B):
        store.pipe_file("/bucket/a.png", body)
        stamps += [item.stamp for item in listed(["memory://bucket"])]
    assert 2 == len(set(stamps) - {""})


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("memory://nowhere", "memory://nowhere: "),
        ("nonsense://x/y", "nonsense:// is no kind of address that fsspec knows"),
        ("github://x/y", "github://x/y: .* missing"),  # its owner is an argument
    ],
)
def test_what_is_not_there(address: str, problem: str) -> None:
    """One line says so, before anything begins."""
    with pytest.raises(SourceError, match=problem) as error:
        list(listed([address]))
    assert "\n" not in str(error.value)
