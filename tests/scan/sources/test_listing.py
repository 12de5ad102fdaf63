"""What is found at paths, and what is read of it."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet
import pytest

from app.scan.sources.items import SourceError, UnreadableError, sha256_of
from app.scan.sources.listing import listed
from app.scan.sources.reading import Reader
from tests.files import encoded, noise

if TYPE_CHECKING:
    from pathlib import Path

A, B = encoded(noise(4, 4)), encoded(noise(5, 4))
MOST = 10_000


def _read(*paths: Path) -> dict[str, bytes | str]:
    """Return what is at *paths*: bytes, or why there are none."""
    told: dict[str, bytes | str] = {}
    with Reader(MOST) as reader:
        for item in listed([str(path) for path in paths]):
            try:
                told[item.path] = reader.read(item).body
            except UnreadableError as exc:
                told[item.path] = str(exc)
    return told


def test_a_folder_is_walked_in_the_order_of_names(tmp_path: Path) -> None:
    """Pictures below it count, whatever they are called; hidden files and others don't."""
    for name in ("b.png", "a.JPG", "sub/c.webp", "sub/0123abcd", "x.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(A)
    for name in (".hidden.png", "notes.txt", ".git/d.png", "__MACOSX/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(B)
    names = ["a.JPG", "b.png", "x.gif", "sub/0123abcd", "sub/c.webp"]
    assert {f"{tmp_path}/{name}": A for name in names} == _read(tmp_path)
    assert [f"{tmp_path}/{name}" for name in names] == list(_read(tmp_path))


def test_a_picture_is_named_by_its_digest(tmp_path: Path) -> None:
    """The digest is that of the file's bytes, as other programs have it."""
    (tmp_path / "empty.png").touch()
    with Reader(MOST) as reader:
        (item,) = listed([str(tmp_path / "empty.png")])
        told = sha256_of(reader.read(item).name)
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == told


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip(tmp_path: Path, packing: int) -> None:
    """Its pictures are read; what is packed unusually, or too large, says so."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", packing) as archive:
        archive.writestr("../one.png", A)
        archive.writestr("two/three.png", B)
        archive.writestr("__MACOSX/._one.png", B)
        archive.writestr("notes.txt", B)
        archive.writestr("packed.png", B, zipfile.ZIP_BZIP2)
        archive.writestr("large.png", bytes(MOST + 1))
    top = f"{tmp_path}/a.zip!/"
    assert {
        f"{top}../one.png": A,
        f"{top}two/three.png": B,
        f"{top}packed.png": "it is packed neither as it is nor by deflate",
        f"{top}large.png": "10,001 bytes; NEO_MAX_BODY takes 10,000 at most",
    } == _read(tmp_path / "a.zip")


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_a_tar(tmp_path: Path, ending: str) -> None:
    """Packed or not, in any order of reading; links and devices are left out."""
    path = tmp_path / f"a.{ending}"
    mode = {"tgz": "gz", "tar": ""}.get(ending, ending.rpartition(".")[2])
    with tarfile.open(path, f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, body in (("one.png", A), ("two/three.png", B), ("notes.txt", B)):
            facts = tarfile.TarInfo(name)
            facts.size = len(body)
            archive.addfile(facts, io.BytesIO(body))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert {f"{path}!/one.png": A, f"{path}!/two/three.png": B} == _read(path)
    with Reader(MOST) as reader:
        items = list(listed([str(path)]))
        assert [B, A] == [reader.read(item).body for item in reversed(items)]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz(tmp_path: Path, save: type) -> None:
    """Each image is one of x; an array of anything else is a row that says so."""
    images = np.stack([noise(4, 5), noise(4, 5)[::-1]])
    save(tmp_path / "a.npz", x=images, y=np.arange(2))
    save(tmp_path / "b.npz", x=images.astype(np.float32))
    save(tmp_path / "c.npz", y=images)
    told = _read(*(tmp_path / name for name in ("a.npz", "b.npz", "c.npz")))
    assert [image.tobytes() for image in images] == list(told.values())[:2]
    assert "x is (2, 4, 5, 3) float32" in str(told[f"{tmp_path}/b.npz"])
    assert "this .npz has no array named x" == told[f"{tmp_path}/c.npz"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.npz"])
def test_a_damaged_archive_is_one_row(tmp_path: Path, name: str) -> None:
    """It ends nothing: what comes behind it is read."""
    (tmp_path / name).write_bytes(
        b"PK\x03\x04" + bytes(100) if name != "a.tar.gz" else b"\x1f\x8bxx"
    )
    (tmp_path / "b.png").write_bytes(B)
    told = _read(tmp_path)
    assert B == told[f"{tmp_path}/b.png"]
    assert "can't be read" in str(told[f"{tmp_path}/{name}"])


def test_a_tar_that_ends_too_soon(tmp_path: Path) -> None:
    """What is there is read; what it ends within says so, and so does the archive."""
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in ("one.png", "two.png"):
            facts = tarfile.TarInfo(name)
            facts.size = len(A)
            archive.addfile(facts, io.BytesIO(A))
    os.truncate(tmp_path / "a.tar", 1024 + 512 + 10)
    told = _read(tmp_path / "a.tar")
    assert A == told.pop(f"{tmp_path}/a.tar!/one.png")
    assert "the .tar ends within it" == told.pop(f"{tmp_path}/a.tar!/two.png")
    assert [f"{tmp_path}/a.tar"] == list(told)


def test_a_list_on_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One path a line, whatever its bytes; folders and archives among them, and others beside."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.png").write_bytes(A)
    odd = os.fsencode(tmp_path) + b"/\xff.png"
    with open(odd, "wb") as file:  # noqa: PTH123  # a name that is no text
        file.write(B)
    lines = os.fsencode(tmp_path / "folder") + b"\r\n\n" + odd
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    items = [item.path for item in listed(["-", str(tmp_path / "folder")])]
    first = f"{tmp_path}/folder/a.png"
    assert [first, f"{tmp_path}/\\xff.png", first] == items


def test_manifests(tmp_path: Path) -> None:
    """A column `path` names files from the manifest's folder; one that isn't there is a row."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a,b.png").write_bytes(A)
    (tmp_path / "a.csv").write_text('\ufeffid,path\n1,"sub/a,b.png"\n2,gone.png\n')
    rows = [{"path": f"{tmp_path}/sub/a,b.png"}, {"path": "gone.png"}]
    (tmp_path / "a.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    wanted = {
        f"{tmp_path}/sub/a,b.png": A,
        f"{tmp_path}/gone.png": "No such file or directory",
    }
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert wanted == _read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "file\nx.png\n", "its first line names no column path"),
        ("a.jsonl", "{}\n", "a row has no path"),
        ("a.jsonl", "nonsense", "it is no list of pictures"),
        ("a.parquet", "nonsense", "it is no list of pictures"),
        ("nowhere", None, "there is nothing of this name"),
    ],
)
def test_what_is_no_source_at_all(
    tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    """It ends the scan before it begins, and says what is wrong."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=problem):
        list(listed([str(tmp_path / name)]))


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A name of any bytes can be read, and is shown as text."""
    path = os.fsencode(tmp_path) + b"/\xff\n.png"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(A)
    assert {f"{tmp_path}/\\xff\n.png": A} == _read(tmp_path)


def test_what_blocks_is_not_opened(tmp_path: Path) -> None:
    """A pipe would never end."""
    os.mkfifo(tmp_path / "a.png")
    assert {f"{tmp_path}/a.png": "not a file of bytes"} == _read(tmp_path)
