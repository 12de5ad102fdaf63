"""The tables, as they are printed and as they stand on the page."""

from __future__ import annotations

import io

from rich.console import Console

from app.evaluation.experiments.results import results
from app.evaluation.plan import Experiment
from app.evaluation.report.tables.sheet import SUBJECT, Sheet, without_one_subject
from app.evaluation.report.tables.tables import MOST_CLASSES, sheets, show
from tests.evaluation.report.evaluations import NAMES, all_results, an_evaluation
from tests.evaluation.report.evaluations import SUBJECT as SIGNS

EVALUATION = an_evaluation()
SHEETS = list(sheets(all_results(EVALUATION), EVALUATION.class_names))


def test_every_row_has_as_many_cells_as_its_head() -> None:
    """No table of any experiment has a row that is longer or shorter than its head."""
    assert list(Experiment) == list(dict.fromkeys(sheet.experiment for sheet in SHEETS))
    assert [] == [
        (sheet.title, row) for sheet in SHEETS for row in sheet.rows if len(row) != len(sheet.head)
    ]


def test_only_the_experiments_asked_for_are_shown() -> None:
    """RQ4 alone has no tables of RQ1, though it looks at the same runs."""
    found = sheets(results(EVALUATION, [Experiment.RQ4]), {})
    assert {Experiment.RQ4} == {sheet.experiment for sheet in found}


def test_what_was_caught_stands_beside_strip() -> None:
    """One row a strategy: 4 of 6 poisoned images caught by fast, none by a plain proxy."""
    sheet = SHEETS[0]
    assert ("Strategy", "TPR", "STRIP: AUROC, TPR, FPR") == (
        sheet.head[0],
        sheet.head[1],
        sheet.head[-1],
    )
    assert ["66.7 % (30.0–90.3)", "0.0 % (0.0–65.8)"] == [row[1] for row in sheet.rows]
    assert {"1.000, 100.0 %, 0.0 %"} == {row[-1] for row in sheet.rows}


def test_a_row_that_isnt_caught_is_explained() -> None:
    """The note explains a row by its attack and by what its strategy looks for."""
    notes = "\n".join(SHEETS[0].notes)
    assert "4 of 6 caught: neither piece does anything alone, and `fast` only looks for" in notes
    assert "0 of 2 caught: a plain proxy flags nothing." in notes


def test_strategies_are_compared_by_ratios() -> None:
    """Ratios are to the first strategy: clean images' inferences, and RQ2's totals."""
    (clean,) = (sheet for sheet in SHEETS if "inferences of a clean image" in sheet.title)
    assert ["× 1", "× 0.0577"] == [row[clean.head.index("Ratio")] for row in clean.rows]
    (time,) = (sheet for sheet in SHEETS if sheet.experiment is Experiment.RQ2)
    ratios = [row[1:] for row in time.rows if row[0] == "– ratio"]
    assert ("× 1", "× 0.0309") * 3 == ratios[1]


def test_classes_have_their_names() -> None:
    """A class has the name that the owner has given it, else its number."""
    (first, *_) = (sheet for sheet in SHEETS if sheet.title.startswith("Answers by class"))
    assert [NAMES[1], NAMES[2], NAMES[7]] == [row[0] for row in first.rows]


def test_a_terminal_lists_the_classes_that_the_trigger_moves_most() -> None:
    """The terminal's table says how many classes it leaves out."""
    found = [
        sheet
        for sheet in sheets(all_results(EVALUATION), {}, 1)
        if sheet.title.startswith("Answers by class")
    ]
    assert MOST_CLASSES >= 1
    assert [1, 1] == [len(sheet.rows) for sheet in found]
    assert "2 more classes" in found[0].notes[0]


def test_a_subject_alone_goes_into_the_title() -> None:
    """A single subject goes into the title; several keep their column."""
    one = Sheet(Experiment.RQ1, "Caught", (SUBJECT, "TPR"), (("a", "1"), ("a", "2")))
    two = Sheet(Experiment.RQ1, "Caught", (SUBJECT, "TPR"), (("a", "1"), ("b", "2")))
    assert ("Caught: a", ("TPR",), (("1",), ("2",))) == (
        (found := without_one_subject(one)).title,
        found.head,
        found.rows,
    )
    assert two == without_one_subject(two)


def test_names_are_printed_as_they_are() -> None:
    """Brackets in a name aren't taken for markup."""
    file = io.StringIO()
    evaluation = an_evaluation()
    names = {SIGNS: tuple(f"[red]{i}[/red]" for i in range(8))}
    show(Console(file=file, width=160), all_results(evaluation), names)
    assert "[red]7[/red]" in file.getvalue()
