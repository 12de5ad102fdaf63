"""Keys in a file, which changes while the gateway runs."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from app.settings import KeySetting
from app.web.guarding.key_rings import KeyRing, digest, key_ring
from tests.web.served import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from httpx import AsyncClient


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time that it was set to."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of two keys."""
    path = tmp_path / "keys"
    path.write_text("one\ntwo\n")
    return path


@pytest.fixture
def ring(file: Path, clock: Clock) -> KeyRing:
    """Return the keys of the file."""
    return key_ring("NEO_API_KEYS", KeySetting(path=file).read_again(), clock)


def has(ring: KeyRing, *keys: str) -> bool:
    """Say if these are the keys that are known."""
    return ring.digests() == tuple(digest(key.encode()) for key in keys)


def test_change_counts_within_a_second(ring: KeyRing, file: Path, clock: Clock) -> None:
    """Keys that are added or taken out count a second later at most, and not a look earlier."""
    assert has(ring, "one", "two")
    file.write_text("two\nthree\n")
    clock.now += 0.99
    assert has(ring, "one", "two")
    clock.now += 0.01
    assert has(ring, "two", "three")


def test_another_file_in_its_place(ring: KeyRing, file: Path, clock: Clock) -> None:
    """A file renamed over it counts, also one of the same size and age; so does a mounted link."""
    assert has(ring, "one", "two")
    before = file.stat()
    other = file.with_name("other")
    other.write_text("six\nten\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(file)
    clock.now += 1
    assert has(ring, "six", "ten")
    target = file.with_name("target")
    target.write_text("red\nfox\n")
    link = file.with_name("link")
    link.symlink_to(target)
    link.rename(file)
    clock.now += 1
    assert has(ring, "red", "fox")


@pytest.mark.parametrize("content", [b"", b"\n", b"one,,two", b"o n e", b"\xff\xfe", None])
def test_wrong_file_keeps_the_last_keys(
    ring: KeyRing,
    file: Path,
    clock: Clock,
    content: bytes | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that is empty, wrong or gone opens nothing and locks nobody out; the log says so."""
    assert has(ring, "one", "two")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            clock.now += 1
            assert has(ring, "one", "two")
    (said,) = caplog.messages  # once
    assert said.startswith(f"NEO_API_KEYS, {file}: ")
    assert said.endswith("; the last keys stay")
    file.write_text("three\n")
    clock.now += 1
    assert has(ring, "three")


def test_file_that_comes_and_goes(
    ring: KeyRing, file: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says each time that the file is gone."""
    ring.digests()
    away = file.with_name("away")
    with caplog.at_level(logging.WARNING):
        for count in (1, 2):
            file.rename(away)
            clock.now += 1
            assert has(ring, "one", "two")
            assert count == len(caplog.messages)
            away.rename(file)
            clock.now += 1
            assert has(ring, "one", "two")


def test_log_has_no_key(
    ring: KeyRing, file: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a good change nor a bad one brings a key into the log."""
    with caplog.at_level(logging.DEBUG):
        for content in ("hush-1", "hush-2 hush-3 hush-3", "hush-4,,", "hush-5"):
            file.write_text(content)
            clock.now += 1
            ring.digests()
    assert has(ring, "hush-5")
    assert "hush" not in caplog.text


def test_file_that_cannot_be_read(ring: KeyRing, file: Path, clock: Clock) -> None:
    """What can't be read keeps the last keys, and is tried again though it looks the same."""
    file.unlink()
    file.symlink_to("/proc/self/mem")  # there, and no one can read its beginning
    clock.now += 1
    assert has(ring, "one", "two")
    file.unlink()
    file.mkdir()
    clock.now += 1
    assert has(ring, "one", "two")
    file.rmdir()
    file.write_text("three\n")
    clock.now += 1
    assert has(ring, "three")


def change(file: Path, clock: Clock, content: str) -> None:
    """Write *content* and let the time pass that it takes to count."""
    file.write_text(content)
    clock.now += 1


@pytest.fixture
async def http(ring: KeyRing) -> AsyncIterator[AsyncClient]:
    """Run the application with the file's keys."""
    async with serving(api_keys=ring) as served:
        yield served.http


async def test_requests_meet_the_new_keys(http: AsyncClient, file: Path, clock: Clock) -> None:
    """No restart is needed: the old key is refused, the new one is taken, on both ways in."""

    async def statuses(key: str) -> list[int]:
        headers = {"X-API-Key": key}
        hot = await http.post("/predict", headers=headers)
        return [hot.status_code, (await http.get("/docs", headers=headers)).status_code]

    assert ([415, 200], [401, 401]) == (await statuses("one"), await statuses("three"))
    change(file, clock, "three\n")
    assert ([401, 401], [415, 200]) == (await statuses("one"), await statuses("three"))
    change(file, clock, "")
    assert ([401, 401], [415, 200]) == (await statuses(""), await statuses("three"))
