"""The report: one HTML file with everything in it, for a browser without a network, or paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.experiments.results import cases
from app.evaluation.plan import Arrangement, Experiment
from app.evaluation.report.pictures import left_out, trigger_figures
from app.evaluation.report.stream_plots import cost_plot, detection_plot
from app.evaluation.report.tables.tables import sheets
from app.settings import SearchMode
from app.templates import templates
from app.templates.plots import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.experiments.results import Results
    from app.evaluation.records import Run
    from app.evaluation.report.document import Facts
    from app.evaluation.report.pictures import Figure
    from app.evaluation.report.tables.sheet import Sheet
    from app.evaluation.runs.evaluating import Evaluation
    from app.templates.plots import Plot

    Runs = Sequence[tuple[Case, tuple[Run, ...]]]

_HEADINGS = {
    Experiment.RQ1: "RQ1: how many poisoned images are caught",
    Experiment.RQ2: "RQ2: what it costs until the first poisoned image",
    Experiment.RQ3: "RQ3: a stream that is poisoned throughout",
    Experiment.RQ4: "RQ4: the triggers, true and found",
}


@dataclass(frozen=True)
class Gallery:
    """The triggers of one case as pictures; ``left_out`` more were found."""

    case: Case
    figures: Sequence[Figure]
    left_out: int


@dataclass(frozen=True)
class Section:
    """What the page shows of one experiment; ``plots`` by subject."""

    heading: str
    sheets: Sequence[Sheet]
    plots: Sequence[tuple[str, Sequence[Plot]]] = ()
    galleries: Sequence[Gallery] = ()


def page(evaluation: Evaluation, results: Results, facts: Facts) -> str:
    """Return the report as HTML."""
    missing, sections = len(evaluation.missing), list(_sections(evaluation, results))
    return rendered(_words(facts), missing, sections)


def rendered(facts: str, missing: int, sections: Sequence[Section]) -> str:
    """Return *sections* as HTML, under what is said of them, and of runs that are *missing*."""
    page = templates(__package__).get_template("page.html")
    return page.render(facts=facts, missing=missing, sections=sections, kinds=KINDS)


def _words(facts: Facts) -> str:
    words = f"{facts.program}, {facts.made_at}. Streams of {facts.images} images."
    if facts.trigger_max is None:
        return words
    after = "goes on" if facts.search is SearchMode.CONTINUE else "stops"
    return (
        f"{words} Triggers of up to {facts.trigger_max:g} of the image's side are looked for; the"
        f" search {after} after the first one."
    )


def _sections(evaluation: Evaluation, results: Results) -> Iterator[Section]:
    names = evaluation.class_names
    mixed = list(cases(evaluation.runs, Arrangement.MIXED))
    tables = list(sheets(results, names))
    for experiment, heading in _HEADINGS.items():
        own = [sheet for sheet in tables if sheet.experiment is experiment]
        if not own:
            continue
        match experiment:
            case Experiment.RQ1:
                yield Section(heading, own, plots=list(_plots(mixed)))
            case Experiment.RQ4:
                yield Section(heading, own, galleries=list(_galleries(mixed, names)))
            case Experiment.RQ2 | Experiment.RQ3:
                yield Section(heading, own)


def _plots(mixed: Runs) -> Iterator[tuple[str, Sequence[Plot]]]:
    """Draw each case's first run."""
    for subject in dict.fromkeys(case.subject for case, _ in mixed):
        own = {case: runs[0] for case, runs in mixed if case.subject == subject}
        costs = (cost_plot(case, run) for case, run in own.items())
        yield subject, [detection_plot(subject, own), *costs]


def _galleries(mixed: Runs, names: Mapping[str, tuple[str, ...]]) -> Iterator[Gallery]:
    """Show each case's triggers, of the first run that found any."""
    for case, runs in mixed:
        run = next((run for run in runs if run.found), runs[0])
        if run.stamps or run.found:
            figures = list(trigger_figures(run, names.get(case.subject, ())))
            yield Gallery(case, figures, left_out(run))
