"""The file itself: its tables, and that one scan at a time works on it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: Final = 1

MEMORY: Final = ":memory:"
"""The name of a state that nobody can go on from."""

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    place BLOB NOT NULL,
    stamp TEXT NOT NULL,
    modified INTEGER,
    priority INTEGER NOT NULL,
    listing INTEGER NOT NULL,
    content TEXT,
    reason TEXT
);
CREATE INDEX items_by_priority ON items (priority);
CREATE TABLE pictures (
    content TEXT PRIMARY KEY,
    screened INTEGER NOT NULL,
    version INTEGER NOT NULL,
    trigger_id TEXT,
    inferences INTEGER NOT NULL,
    result BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE drafts (content TEXT PRIMARY KEY, look BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE examples (
    trigger_id TEXT NOT NULL,
    content TEXT NOT NULL,
    picture BLOB NOT NULL,
    PRIMARY KEY (trigger_id, content)
) WITHOUT ROWID;
"""


class StateError(Exception):
    """The state file can't be used: its name, what is wrong, and what to do."""


@contextmanager
def opened_state(path: str, *, restart: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the state file at *path*, made if there is none, for this process alone.

    With *restart* all that is in it is forgotten. Raises StateError.
    """
    try:
        with closing(_connected(path)) as connection:
            _lock(connection)
            if restart:
                _forget(connection)
            _make(connection, path)
            yield connection
    except sqlite3.OperationalError as exc:
        raise StateError(_words(path, exc)) from exc
    except sqlite3.DatabaseError as exc:
        message = f"{path}: this is no state file of a scan: {exc}; give another --state"
        raise StateError(message) from exc


@contextmanager
def committed(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connected(path: str) -> sqlite3.Connection:
    if path != MEMORY:
        with suppress(OSError):  # then SQLite can't open it either, and says so
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # it holds pictures
    # Pictures are read in a thread, and what is known of them is looked up there: one at a time.
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def _lock(connection: sqlite3.Connection) -> None:
    """Keep the file for this process until it ends, however it ends."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # what the power took is done again
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _forget(connection: sqlite3.Connection) -> None:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    with committed(connection):
        for (name,) in tables:
            connection.execute(f'DROP TABLE "{name}"')
        connection.execute("PRAGMA user_version = 0")


def _make(connection: sqlite3.Connection, path: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version or tables:
        message = f"{path}: another release has made it, or another program; --restart begins anew"
        raise StateError(message)
    with committed(connection):
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _words(path: str, error: sqlite3.OperationalError) -> str:
    if "locked" in str(error):
        return f"{path}: another scan works on it; wait for its end, or give another --state"
    return f"{path}: it can't be opened or written: {error}"
