"""Which images go when there is no room."""

from __future__ import annotations

from app.quarantine.eviction import File, Kept, kept_in, surplus

DAY_S = 86400.0


def image(number: int, key: str = "shop", trigger: str = "t", written_s: float = 0.0) -> list[File]:
    """Return the two files of an image: 90 bytes, and 10 of evidence."""
    stem = f"key={key}/trigger={trigger}/{number:064x}"
    return [File(f"{stem}.png", 90, written_s), File(f"{stem}.json", 10, written_s + 1)]


def gone(files: list[File], most: int, since_s: float = -DAY_S) -> list[int]:
    """Return the numbers of those that go."""
    stems = [one.paths[0].rpartition("/")[2] for one in surplus(kept_in(files), most, since_s)]
    return [int(stem.partition(".")[0], 16) for stem in stems]


def test_an_image_goes_with_its_evidence() -> None:
    """The two files are one image; what isn't ours is no image."""
    files = [*image(1), File("notes.txt", 10**9, 0.0)]
    (kept,) = kept_in(files)
    paths = tuple(one.path for one in files[:2])
    assert Kept("key=shop", "trigger=t", paths, 100, 1.0) == kept


def test_the_oldest_go_first() -> None:
    """As many as it takes, and none where there is room."""
    files = [one for k in range(5) for one in image(k, written_s=-float(k))]
    assert [4, 3] == gone(files, 300)
    assert [] == gone(files, 500)


def test_what_is_too_old_goes_anyway() -> None:
    """The time since it was last written counts."""
    files = image(1, written_s=-2 * DAY_S) + image(2)
    assert [1] == gone(files, 10**9)


def test_a_flood_pushes_out_its_own() -> None:
    """Of the key with most of it goes what its largest trigger has, however old others are."""
    others = image(1, "bank", written_s=-9.0) + image(2, "flood", "rare", written_s=-8.0)
    flood = [one for k in range(3, 20) for one in image(k, "flood", written_s=float(k))]
    assert list(range(3, 16)) == gone([*others, *flood], 600)
