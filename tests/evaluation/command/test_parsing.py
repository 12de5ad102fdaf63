"""What the command refuses, before anything starts: one line that names the option."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli import main
from app.evaluation.command.command import evaluate
from app.evaluation.command.options import GatewaySource, SuiteSource
from app.evaluation.command.parsing import parse_options
from app.evaluation.plan import Experiment
from app.settings import Settings, Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from app.evaluation.command.options import Options


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go where there are a folder and a file that options can name."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "nothing to evaluate: give one of --upstream, --onnx, --gateway, --suite"),
        ("--suite --onnx file", "--onnx doesn't go with --suite: give one of --upstream, --onnx, "),
        ("--onnx file --test folder", "--reference is missing: --onnx needs clean images"),
        (
            "--upstream http://127.0.0.1:1 --reference folder --test folder",
            "--model is missing: --upstream needs its name at the server",
        ),
        (
            "--gateway http://127.0.0.1:1 --test folder",
            "--input-size is missing: --gateway needs the size of its model's images, e.g.",
        ),
        ("--suite --test folder", "--test doesn't go with --suite: leave one of them out"),
        (
            "--gateway http://127.0.0.1:1 --test folder --input-size 8 --strategy fast",
            "--strategy doesn't go with --gateway: leave one of them out",
        ),
        (
            "--onnx file --reference folder --test folder --trigger file --at 1,2",
            "--trigger was given once, --at once and --target never",
        ),
        (
            "--onnx file --reference folder --test folder --experiment rq3",
            "--experiment rq3 needs an attack: add --trigger",
        ),
        ("--suite --json absent/x.json", "--json absent/x.json: there is no folder absent"),
        ("--suite patch,unheard", "--suite has no attack 'unheard': choose from clean, patch"),
        ("--attack unheard", "--suite has no attack 'unheard'"),
        ("--suite field --folder absent", "--folder absent: there is no such folder; give one of"),
        ("--suite field --folder folder", "--folder folder: no model in it; one lies in"),
        ("--suite field --strategy fast", "--strategy doesn't go with --suite field: leave one"),
        ("--suite field,patch", "--suite field goes with no other kind: leave the others out"),
        ("--suite patch --only mnist", "--only doesn't go with --suite: leave one of them out"),
    ],
)
def test_what_is_missing_or_contradicts_is_named_in_one_line(words: str, line: str) -> None:
    """The exit code is 2, and one line names the options and the mend."""
    ended = CliRunner().invoke(main, ["evaluate", *words.split()])
    assert (2, f"neo-gateway: {line}") == (ended.exit_code, ended.output[: len(line) + 13])
    assert 1 == ended.output.count("\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--strategy best", "'best' is none of "),
        ("--search sometimes", "'sometimes' is none of continue, stop"),
        ("--experiment rq5", "'rq5' is none of rq1, rq2, rq3, rq4"),
        ("--at 3", "'3' is not a column and a row, e.g. 21,5"),
        ("--input-scale 1/0", "'1/0' is not a number above 0"),
        ("--input-scale x", "'x' is not a number above 0"),
        ("--input-scale 0", "'0' is not a number above 0"),
        ("--input-std 0", "nothing can be divided by 0"),
        ("--input-layout CHWN", "'CHWN' is none of NHWC, NCHW"),
        ("--upstream nowhere", "it does not begin with http:// or https:// and a host"),
        ("--input-size big", "'big' is not a height, width and channels"),
        ("--labels absent.txt", "absent.txt can't be read"),
    ],
)
def test_a_word_that_cant_be_read_is_refused_with_what_can(words: str, complaint: str) -> None:
    """The line names the option and the words that it takes."""
    ended = CliRunner().invoke(main, ["evaluate", *words.split()])
    assert 2 == ended.exit_code
    assert f"'{words.split(maxsplit=1)[0]}': {complaint}" in ended.output


def test_defaults_are_the_gateways_own() -> None:
    """The strategy, the largest trigger and what follows a find, as the settings have them."""
    options = _parsed("--suite")
    defaults = Settings.model_fields
    assert (
        (defaults["strategy"].default,),
        defaults["trigger_max"].default,
        defaults["search"].default,
    ) == (options.strategies, options.trigger_max, options.search)
    assert (SuiteSource(()), (Experiment.RQ1, Experiment.RQ4)) == (
        options.source,
        options.experiments,
    )


def test_what_is_given_twice_is_done_once() -> None:
    """Repeated kinds of attacks, experiments and strategies count once."""
    options = _parsed(
        "--suite patch,moving --attack patch --experiment rq1 --experiment all"
        " --strategy off --strategy off"
    )
    assert SuiteSource(("patch", "moving")) == options.source
    assert (tuple(Experiment), (Strategy.OFF,)) == (options.experiments, options.strategies)


@pytest.mark.usefixtures("here")
def test_a_gateway_has_its_own_strategy_and_no_baseline() -> None:
    """STRIP can't lay anything over images that a gateway screens."""
    options = _parsed("--gateway http://127.0.0.1:1 --test folder --input-size 8x8x1 --key k")
    assert ((), False) == (options.strategies, options.strip)
    assert isinstance(options.source, GatewaySource)
    assert "k" == options.source.key


def _parsed(words: str) -> Options:
    with evaluate.make_context("evaluate", words.split()) as context:
        return parse_options(context.params)
