"""What the benchmark of models without a backdoor counts and keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.benchmarks.detection.unharmed import Deployment, Ledger, Setting, deployed, line
from tests.evaluation.tiny_subjects import tiny_subject

if TYPE_CHECKING:
    from pathlib import Path

SETTING = Setting(images=20, trigger_max=0.316, repeat="nothing", code="abc")
DONE = Deployment("a/b", 3, SETTING, 20, (4, 7), 600, 1)


class _Unheard:
    def __init__(self) -> None:
        self.steps = 0

    def doing(self, what: str, steps: int | None = None) -> None:
        """Hear nothing."""

    def step(self) -> None:
        """Count."""
        self.steps += 1

    def errand_done(self) -> None:
        """Hear nothing."""


async def test_a_deployment_counts_every_image_of_its_stream() -> None:
    """The tiny model's clean images: none is flagged, and each costs at least its own inference."""
    heard = _Unheard()
    done = await deployed(tiny_subject(attacked=False), 2, SETTING, heard)
    assert ("tiny", 2, 20, ()) == (done.model, done.secret, done.screened, done.flagged)
    assert done.inferences >= 20
    assert 20 == heard.steps


def test_what_is_done_is_kept_for_its_own_setting_alone(tmp_path: Path) -> None:
    """Other code, or another length of the stream, is another measurement."""
    ledger = Ledger(tmp_path / "sub" / "kept.jsonl")
    assert {} == ledger.read(SETTING)
    other = replace(DONE, secret=4)
    ledger.add(DONE)
    ledger.add(other)
    assert {("a/b", 3): DONE, ("a/b", 4): other} == ledger.read(SETTING)
    assert {} == ledger.read(replace(SETTING, code="abd"))
    assert {} == ledger.read(replace(SETTING, images=21))


def test_half_a_line_is_not_done(tmp_path: Path) -> None:
    """Who was killed while it was written goes on, and writes it whole."""
    path = tmp_path / "kept.jsonl"
    ledger, other = Ledger(path), replace(DONE, secret=4)
    ledger.add(DONE)
    ledger.add(other)
    path.write_bytes(path.read_bytes()[:-9])
    assert {("a/b", 3): DONE} == ledger.read(SETTING)
    ledger.add(other)
    assert {("a/b", 3): DONE, ("a/b", 4): other} == ledger.read(SETTING)


def test_a_row_says_how_much_is_done_and_how_sure_it_is() -> None:
    """No alarm in 40,000 images leaves one in ten thousand possible."""
    none = replace(DONE, screened=40_000, flagged=(), inferences=1_200_000)
    assert "| a/b | 1 of 20 | 0 of 40,000 | 0.000 to 0.010 % | 0.00 % | 30.0 |" == line(
        "a/b", [none], 20
    )
    assert "| 2 of 20 | 2 of 40 |" in line("a/b", [DONE, replace(DONE, flagged=())], 20)
    assert "| a/b | 0 of 20 | – | – | – | – |" == line("a/b", [], 20)
