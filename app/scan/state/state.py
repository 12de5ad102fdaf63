"""What is known of the items, and of the pictures that they hold."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.scan.results import decode_result, encode_result
from app.scan.sources.items import Item, Kind, Place
from app.scan.state.file import committed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.scan.results import Result

FOR_GOOD: Final = 2**31
"""The version of a result that no further trigger changes."""

EXAMPLES: Final = 8
"""Pictures that are kept of each trigger."""

_ITEM = "items.id, path, place, stamp, modified, items.content, reason"
_LISTED = "listing = (SELECT value FROM facts WHERE name = 'listing')"


@dataclass(frozen=True)
class Listed:
    """An item by its number; ``content`` names what it holds, once that is known."""

    id: int
    item: Item
    content: str | None


@dataclass(frozen=True)
class Known:
    """What is known of a picture: ``result``, whether it was ``screened`` in full.

    ``version`` is how much was known of triggers when it was looked at.
    """

    result: Result
    screened: bool
    version: int


@dataclass(frozen=True, eq=False)
class Step:
    """What one wave has found out, written as a whole.

    ``contents`` are those of items by their ids, ``reasons`` why others can't be read;
    ``pictures`` by content; ``examples`` (trigger, content, PNG); ``facts`` replace older ones.
    """

    contents: Mapping[int, str]
    reasons: Mapping[int, str]
    pictures: Mapping[str, Known]
    examples: Sequence[tuple[str, str, bytes]] = ()
    facts: Mapping[str, bytes] | None = None


class State:
    """The tables of an open state file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def fact(self, name: str) -> bytes | None:
        """Return what is kept under *name*."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_facts(self, facts: Mapping[str, bytes]) -> None:
        """Keep *facts*."""
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def list_items(self, items: Iterable[Item], seed: int) -> int:
        """Take what there is to scan, in this order, and return how many that are.

        What is known of an item stays as long as its stamp is the same: what has no stamp is read
        again. The *seed* draws which of them are in a sample.
        """
        with committed(self._db):
            (number,) = self._db.execute(
                "SELECT coalesce(max(listing), 0) + 1 FROM items"
            ).fetchone()
            self._db.execute("INSERT OR REPLACE INTO facts VALUES ('listing', ?)", (number,))
            self._db.executemany(_TAKE, (_row(item, seed, number) for item in items))
            self._db.execute(f"DELETE FROM items WHERE NOT {_LISTED}")  # noqa: S608  # our own text
        return self.count()

    def count(self) -> int:
        """Return how many items there are."""
        (count,) = self._db.execute("SELECT count(*) FROM items").fetchone()
        return int(count)

    def last_of_sample(self, size: int) -> int:
        """Return the priority up to which items are in a sample of so many; at least one."""
        chosen = "SELECT priority FROM items ORDER BY priority LIMIT 1 OFFSET ?"
        row = self._db.execute(chosen, (size - 1,)).fetchone()
        return 2**63 - 1 if row is None else int(row[0])

    def unscreened(self, last: int, most: int) -> list[Listed]:
        """Return the first items, with a priority up to *last*, that aren't screened in full."""
        where = "priority <= ? AND NOT coalesce(screened, 0)"
        return self._items(where, (last,), most)

    def count_screened(self, last: int) -> int:
        """Return how many items of the sample need no screening any more."""
        return self._count("priority <= ? AND (coalesce(screened, 0) OR reason IS NOT NULL)", last)

    def behind(self, version: int, after: int, most: int) -> list[Listed]:
        """Return the first items behind number *after* that weren't compared with all triggers."""
        return self._items("items.id > ? AND coalesce(version, -1) < ?", (after, version), most)

    def count_behind(self, version: int) -> int:
        """Return how many items are to be compared yet."""
        return self._count("reason IS NULL AND coalesce(version, -1) < ?", version)

    def known(self, contents: Iterable[str]) -> dict[str, Known]:
        """Return what is known of pictures, by their contents."""
        found = {}
        for content in contents:
            row = self._db.execute(
                "SELECT screened, version, result FROM pictures WHERE content = ?", (content,)
            ).fetchone()
            if row is not None:
                found[content] = Known(decode_result(row[2]), bool(row[0]), row[1])
        return found

    def inferences(self) -> int:
        """Return how many images the model was asked for all pictures together."""
        (asked,) = self._db.execute("SELECT coalesce(sum(inferences), 0) FROM pictures").fetchone()
        return int(asked)

    def keep_drafts(self, drafts: Mapping[str, bytes]) -> None:
        """Keep looks by content until the wave they are of is written."""
        with committed(self._db):
            self._db.executemany("INSERT OR REPLACE INTO drafts VALUES (?, ?)", drafts.items())

    def draft(self, content: str) -> bytes | None:
        """Return the look that is kept of a picture."""
        found = self._db.execute("SELECT look FROM drafts WHERE content = ?", (content,)).fetchone()
        return None if found is None else bytes(found[0])

    def write(self, step: Step) -> None:
        """Write *step*, all of it or nothing; the drafts of its wave go."""
        with committed(self._db):
            self._db.execute("DELETE FROM drafts")
            self._db.executemany(
                "UPDATE items SET content = ?, reason = NULL WHERE id = ?",
                ((content, number) for number, content in step.contents.items()),
            )
            self._db.executemany(
                "UPDATE items SET reason = ? WHERE id = ?",
                ((reason, number) for number, reason in step.reasons.items()),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?)",
                # One after the other: of a large wave all together are 4 KB each.
                (_picture(content, known) for content, known in step.pictures.items()),
            )
            for trigger_id, content, picture in step.examples:
                self._db.execute(_EXAMPLE, (trigger_id, content, picture, trigger_id, EXAMPLES))
            self.keep_facts(step.facts or {})

    def rows(self) -> Iterator[tuple[Item, str | None, Result | None]]:
        """Yield each item in order, with its content and the result, as far as they are known."""
        rows = self._db.execute(
            f"SELECT {_ITEM}, result FROM items LEFT JOIN pictures USING (content)"  # noqa: S608
            " ORDER BY items.id"
        )
        for row in rows:
            listed = _listed(row[:-1])
            yield listed.item, listed.content, None if row[-1] is None else decode_result(row[-1])

    def examples(self, trigger_id: str) -> list[tuple[str, bytes]]:
        """Return paths and PNGs of pictures that carry a trigger."""
        return self._db.execute(
            "SELECT min(path), picture FROM examples JOIN items USING (content)"
            " WHERE trigger_id = ? GROUP BY content ORDER BY min(items.id)",
            (trigger_id,),
        ).fetchall()

    def _items(self, where: str, values: tuple[int, ...], most: int) -> list[Listed]:
        rows = self._db.execute(
            f"SELECT {_ITEM} FROM items LEFT JOIN pictures USING (content)"  # noqa: S608
            f" WHERE reason IS NULL AND {where} ORDER BY items.id LIMIT ?",
            (*values, most),
        )
        return [_listed(row) for row in rows]

    def _count(self, where: str, value: int) -> int:
        (count,) = self._db.execute(
            f"SELECT count(*) FROM items LEFT JOIN pictures USING (content) WHERE {where}",  # noqa: S608
            (value,),
        ).fetchone()
        return int(count)


_TAKE = """
INSERT INTO items VALUES (NULL, ?, ?, ?, ?, ?, ?, NULL, NULL)
ON CONFLICT (path) DO UPDATE SET
    content = CASE WHEN stamp = excluded.stamp AND stamp <> '' THEN content END,
    reason = NULL, place = excluded.place, stamp = excluded.stamp,
    modified = excluded.modified, listing = excluded.listing
"""

_EXAMPLE = """
INSERT OR IGNORE INTO examples SELECT ?, ?, ?
WHERE (SELECT count(*) FROM examples WHERE trigger_id = ?) < ?
"""


def _row(item: Item, seed: int, listing: int) -> tuple[str | bytes | int | None, ...]:
    digest = hashlib.blake2b(item.path.encode(), digest_size=8, key=seed.to_bytes(16, signed=True))
    priority = int.from_bytes(digest.digest()) >> 1
    place = orjson.dumps(_bare(item))
    return item.path, place, item.stamp, item.modified, priority, listing


def _bare(item: Item) -> dict[str, str | int | None]:
    """Return the place as JSON takes it: a name may hold bytes that are no characters."""
    place = asdict(item.place)
    for name in ("file", "member"):
        place[name] = place[name].encode("utf-8", "surrogateescape").hex()
    return {**place, "reason": item.reason}


def _listed(row: Sequence[Any]) -> Listed:
    number, path, place, stamp, modified, content, reason = row
    facts = orjson.loads(place)
    names = {
        name: bytes.fromhex(facts[name]).decode("utf-8", "surrogateescape")
        for name in ("file", "member")
    }
    where = Place(
        Kind(facts["kind"]), names["file"], names["member"], facts["start"], facts["size"]
    )
    why = reason or facts["reason"]
    return Listed(number, Item(path, where, stamp, modified, why), content)


def _picture(content: str, known: Known) -> tuple[object, ...]:
    result = known.result
    return (
        content,
        known.screened,
        known.version,
        result.trigger,
        result.inferences,
        encode_result(result),
    )
