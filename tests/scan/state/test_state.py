"""The state file: what is kept of a scan, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from app.scan.results import Result, Verdict
from app.scan.sources.items import Item, Kind, Place
from app.scan.state.file import MEMORY, StateError, opened_state
from app.scan.state.identity import check_identity
from app.scan.state.state import EXAMPLES, FOR_GOOD, Known, State, Step

if TYPE_CHECKING:
    from pathlib import Path

SEED = 3
CLEAN = Result(Verdict.CLEAN, "clear", inferences=20)
FLAGGED = Result(Verdict.BACKDOOR, "discovered", trigger="t-1", inferences=300)


def _item(number: int, stamp: str = "s") -> Item:
    return Item(f"{number:03}.png", Place(Kind.FILE, f"/{number:03}.png"), stamp, number)


def _known(result: Result, version: int = 0) -> Known:
    return Known(result, screened=True, version=version)


def test_items_come_back_as_they_were() -> None:
    """A name of any bytes, and what is known of an item before it is read."""
    item = Item("a", Place(Kind.ZIP, "/\udcff.zip", "\udcfe\n", 1, 2), "s", 5, "it is encrypted")
    with opened_state(MEMORY) as connection:
        state = State(connection)
        assert 1 == state.list_items([item], SEED)
        assert [item] == [one.item for one in state.unscreened(2**63 - 1, 9)]


def test_a_sample_does_not_depend_on_the_order() -> None:
    """The same seed draws the same pictures, listed any way; another one others."""
    drawn = []
    for order, seed in ((range(100), 1), (range(99, -1, -1), 1), (range(100), 2)):
        with opened_state(MEMORY) as connection:
            state = State(connection)
            state.list_items(map(_item, order), seed)
            some = state.unscreened(state.last_of_sample(20), 100)
            drawn.append({one.item.path for one in some})
    assert [20, 20, 20] == [len(some) for some in drawn]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_changed_is_read_again() -> None:
    """By its stamp; what has none is always read; what is gone is no row."""
    with opened_state(MEMORY) as connection:
        state = State(connection)
        state.list_items([_item(1), _item(2), _item(3, ""), _item(4)], SEED)
        contents = dict.fromkeys((1, 2, 3, 4), "c")
        state.write(Step(contents, {}, {"c": _known(CLEAN)}))
        state.list_items([_item(1), _item(2, "other"), _item(3, "")], SEED)
        told = {item.path: content for item, content, _ in state.rows()}
        assert {"001.png": "c", "002.png": None, "003.png": None} == told


def test_what_is_behind() -> None:
    """A later version of the triggers makes all behind, but what is settled."""
    with opened_state(MEMORY) as connection:
        state = State(connection)
        state.list_items([_item(1), _item(2), _item(3), _item(4)], SEED)
        pictures = {"a": _known(CLEAN), "b": _known(FLAGGED, FOR_GOOD), "c": _known(CLEAN, 1)}
        state.write(Step({1: "a", 2: "b", 3: "c"}, {4: "gone"}, pictures))
        assert [1] == [one.id for one in state.behind(1, 0, 9)]
        assert [1, 3] == [one.id for one in state.behind(2, 0, 9)]
        assert (1, 2, 340) == (
            state.count_behind(1),
            state.count_behind(2),
            state.inferences(),
        )


def test_few_examples_are_kept() -> None:
    """Of each trigger, the first ones."""
    with opened_state(MEMORY) as connection:
        state = State(connection)
        state.list_items(map(_item, range(20)), SEED)
        contents = {i + 1: str(i) for i in range(20)}
        examples = [("t-1", str(i), b"png") for i in range(20)]
        state.write(Step(contents, {}, {}, examples))
        assert [(f"{i:03}.png", b"png") for i in range(EXAMPLES)] == state.examples("t-1")


def test_two_scans_do_not_share_a_file(tmp_path: Path) -> None:
    """The second one is told so; when the first has been killed the file is free."""
    path = str(tmp_path / "state")
    text = f"""
from app.scan.state.file import opened_state
with opened_state({path!r}):
    print("open", flush=True)
    input()
"""
    words = [sys.executable, "-c", text]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert b"open\n" == other.stdout.readline()
        with pytest.raises(StateError, match="another scan works on it"), opened_state(path):
            pass
        other.kill()
    with opened_state(path) as connection:
        assert 0 == State(connection).count()


def test_a_file_that_is_no_state(tmp_path: Path) -> None:
    """It is left as it is, also by a restart."""
    path = tmp_path / "state"
    path.write_bytes(b"something that somebody needs, and no database at all" * 99)
    for restart in (False, True):
        with (
            pytest.raises(StateError, match="no state file of a scan"),
            opened_state(str(path), restart=restart),
        ):
            pass
    assert path.read_bytes().startswith(b"something")


def test_another_release_is_refused_until_a_restart(tmp_path: Path) -> None:
    """What it has written isn't guessed at."""
    path = str(tmp_path / "state")
    with opened_state(path) as connection:
        State(connection).keep_facts({"seed": b"1"})
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="another release"), opened_state(path):
        pass
    with opened_state(path, restart=True) as connection:
        assert State(connection).fact("seed") is None


def test_other_facts_are_noticed() -> None:
    """What differs is named; nothing of it can be read in the file."""
    with opened_state(MEMORY) as connection:
        state = State(connection)
        told = {"the model": "http://user:secret@there", "the settings": 1}
        check_identity(state, told, "x.state")
        check_identity(state, told, "x.state")
        with pytest.raises(StateError, match=r"x\.state: the model changed since"):
            check_identity(state, told | {"the model": "other"}, "x.state")
        kept = state.fact("identity")
        assert kept is not None
        assert b"secret" not in kept


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds pictures; and where it can't be, that is said."""
    with opened_state(str(tmp_path / "state")):
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert {0o600} == modes
    nowhere = str(tmp_path / "no" / "where")
    with pytest.raises(StateError, match="can't be opened"), opened_state(nowhere):
        pass


def test_a_large_step_is_written_bit_by_bit() -> None:
    """Its pictures aren't all turned into rows before the first one is written."""
    count = 4096
    with opened_state(MEMORY) as connection:
        state = State(connection)
        state.list_items(map(_item, range(count)), SEED)
        pictures = {f"s{i:064}": _known(CLEAN) for i in range(count)}
        step = Step(dict(enumerate(pictures, 1)), {}, pictures)
        tracemalloc.start()
        state.write(step)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 400 * count
    assert count == len(step.pictures)
