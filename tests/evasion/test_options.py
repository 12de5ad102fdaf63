"""The command line of `make bench-evasion`: which attacks go through which doors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.doors import DOORS
from tests.benchmarks.evasion.in_process import NO_DOOR
from tests.benchmarks.evasion.options import EVERYWHERE, MAIN_DOOR, read_options
from tests.benchmarks.evasion.rows import SEARCHES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.evasion.options import Options

TENSORS = {name for name, attack in ATTACKS.items() if attack.tensor}


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Return what reads a command line where there is no zoo."""
    return Reading(tmp_path / "none", monkeypatch)


class Reading:
    """Reads command lines."""

    def __init__(self, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._zoo = str(zoo)
        self._monkeypatch = monkeypatch

    def __call__(self, *given: str) -> Options:
        """Read *given*."""
        zoo = ("--zoo", self._zoo, "--trained", self._zoo)
        self._monkeypatch.setattr(sys, "argv", ["bench-evasion", *given, *zoo])
        return read_options("what it does")


def test_every_attack_goes_through_the_main_door_and_a_few_through_all(read: Reading) -> None:
    """Tensors go where there are numbers, searches where an image goes alone."""
    doors = read().doors
    assert set(DOORS) == set(doors)
    assert set(ATTACKS) - TENSORS | {*SEARCHES} == set(doors[MAIN_DOOR])
    few = {one for one in EVERYWHERE if one in ATTACKS}
    assert few | TENSORS == set(doors["v2 json"])
    assert few == set(doors["v1 b64"])
    assert few | TENSORS == set(doors["v1, 32"])


def test_every_attack_goes_through_doors_that_are_named(read: Reading) -> None:
    """Patterns name doors: all that can go through one does then, and no other door is tried."""
    doors = read("--doors", "v1*").doors
    assert ["v1", "v1 b64", "v1, 32"] == list(doors)
    assert {*ATTACKS, *SEARCHES} == set(doors["v1"])
    assert set(ATTACKS) - TENSORS | {*SEARCHES} == set(doors["v1 b64"])
    assert set(ATTACKS) == set(doors["v1, 32"])


def test_patterns_name_attacks_at_each_door(read: Reading) -> None:
    """Only those, through every door that is named."""
    doors = read("--attacks", "plain", "copies *", "--doors", "v1 b64", "predict").doors
    wanted = ["plain", *(name for name in ATTACKS if name.startswith("copies "))]
    assert {"predict": wanted, "v1 b64": wanted} == doors


def test_known_alone_leaves_out_the_search(read: Reading) -> None:
    """A search has a library of its own in each state."""
    options = read("--known", "--in-process")
    assert options.known
    assert {NO_DOOR: [name for name in ATTACKS if name not in TENSORS]} == options.doors
    assert not read("--in-process").known
    assert set(SEARCHES) <= set(read("--in-process").doors[NO_DOOR])


@pytest.mark.parametrize("given", [("--doors", "back"), ("--attacks", "none")])
def test_what_names_nothing_is_refused(
    read: Reading, given: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with the names that there are."""
    with pytest.raises(SystemExit):
        read(*given)
    said = capsys.readouterr().err
    assert "copies 2" in said
    assert "v1 b64" in said
