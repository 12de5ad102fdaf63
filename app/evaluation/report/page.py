"""The report: one HTML file with everything in it, for a browser without a network, or paper."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from app.evaluation.experiments.results import cases
from app.evaluation.plan import Arrangement, Experiment
from app.evaluation.report.pictures import trigger_pictures
from app.evaluation.report.stream_plots import cost_plot, detection_plot
from app.evaluation.report.tables import sheets
from app.settings import SearchMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.experiments.case import Case
    from app.evaluation.experiments.results import Results
    from app.evaluation.plan import Errand
    from app.evaluation.records import Run
    from app.evaluation.report.document import Facts
    from app.evaluation.report.sheet import Sheet
    from app.evaluation.runs.evaluating import Evaluation

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --paper: #fff; --ink: #1e1e1e; --faint: #c8c8c8;
  --k0: #595959; --k1: #0b5fa5; --k2: #b3261e; --k3: #1b7f3b; --k4: #a64b00; --k5: #7a3e9d; }}
@media screen and (prefers-color-scheme: dark) {{ :root {{
  --paper: #1c1c1e; --ink: #ececec; --faint: #4a4a4a;
  --k0: #a8a8a8; --k1: #6cb6ff; --k2: #ff8a80; --k3: #6fd08c; --k4: #ffb073; --k5: #cf9df0; }} }}
@media print {{ h2 {{ break-before: page; }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; color: var(--ink); background: var(--paper); }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; white-space: nowrap; font-weight: 600; padding: .5rem 0; }}
th, td {{ text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--faint); }}
th.name, td.name {{ text-align: left; }}
.note {{ font-size: .875rem; max-width: 60rem; }}
.missing {{ border-left: .3rem solid var(--k2); padding-left: .8rem; }}
svg {{ width: 100%; max-width: 60rem; font: 12px system-ui, sans-serif; }}
svg text {{ fill: var(--ink); }}
.grid {{ stroke: var(--faint); }}
.line {{ fill: none; stroke-width: 2; }}
.line.k0 {{ stroke-width: 6; opacity: .5; }}
{kinds}
figure {{ margin: 1rem 0; break-inside: avoid; }}
.row {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: start; }}
.row > figcaption {{ flex-basis: 100%; font-weight: 600; }}
.picture {{ margin: 0; width: 8rem; }}
.picture img {{ width: 8rem; image-rendering: pixelated; border: 1px solid var(--faint);
  background: #7d9fc9; }}
.picture figcaption {{ font-size: .8125rem; overflow-wrap: anywhere; }}
.pair {{ display: flex; gap: .4rem; align-items: center; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{facts}</p>
{missing}
{body}
</body>
</html>
"""

_KIND = "svg .line.k{k} {{ stroke: var(--k{k}); }} svg .dot.k{k} {{ fill: var(--k{k}); }}"

_GROUND = '<p class="note">In the pictures of triggers blue is what is not part of them.</p>'

_TITLE = "NEO Gateway: evaluation"

_HEADINGS = {
    Experiment.RQ1: "RQ1: how many poisoned images are caught",
    Experiment.RQ2: "RQ2: what it costs until the first poisoned image",
    Experiment.RQ3: "RQ3: a stream that is poisoned throughout",
    Experiment.RQ4: "RQ4: the triggers, true and found",
}


def page(evaluation: Evaluation, results: Results, facts: Facts) -> str:
    """Return the report as HTML."""
    names = evaluation.class_names
    mixed = list(cases(evaluation.runs, Arrangement.MIXED))
    tables = list(sheets(results, names))
    body: list[str] = []
    for experiment, heading in _HEADINGS.items():
        own = [_table(sheet) for sheet in tables if sheet.experiment is experiment]
        if own:
            body += [f"<h2>{escape(heading)}</h2>", *own]
        if own and experiment is Experiment.RQ1:
            body += _plots(mixed)
        if own and experiment is Experiment.RQ4:
            body += [_GROUND, *_triggers(mixed, names)]
    return _PAGE.format(
        title=_TITLE,
        facts=escape(_words(facts)),
        missing=_missing(evaluation.missing),
        body="\n".join(body),
        kinds="\n".join(_KIND.format(k=k) for k in range(6)),
    )


def _words(facts: Facts) -> str:
    words = f"{facts.program}, {facts.made_at}. Streams of {facts.images} images."
    if facts.trigger_max is None:
        return words
    after = "goes on" if facts.search is SearchMode.CONTINUE else "stops"
    return (
        f"{words} Triggers of up to {facts.trigger_max:g} of the image's side are looked for; the"
        f" search {after} after the first one."
    )


def _missing(errands: Sequence[Errand]) -> str:
    if not errands:
        return ""
    return (
        f'<p class="missing">This is not all: {len(errands)} of the runs that were planned were'
        " not done, or not to their end.</p>"
    )


def _table(sheet: Sheet) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=name' if at < sheet.names else ''}>{escape(cell)}</{tag}>"
            for at, cell in enumerate(cells)
        )

    if not sheet.rows:
        return f"<p>{escape(sheet.title)}: {escape(' '.join(sheet.notes))}</p>"
    rows = "".join(f"<tr>{row(cells, 'td')}</tr>\n" for cells in sheet.rows)
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in sheet.notes)
    return (
        f'<div class="wide"><table><caption>{escape(sheet.title)}</caption>\n'
        f"<tr>{row(sheet.head, 'th')}</tr>\n{rows}</table></div>\n{notes}"
    )


def _plots(mixed: Sequence[tuple[Case, tuple[Run, ...]]]) -> Iterator[str]:
    """Draw each case's first run."""
    for subject in dict.fromkeys(case.subject for case, _ in mixed):
        own = {case: runs[0] for case, runs in mixed if case.subject == subject}
        yield f"<h3>{escape(subject)}</h3>"
        yield f"<figure>{detection_plot(subject, own)}</figure>"
        for case, run in own.items():
            yield f"<figure>{cost_plot(case, run)}</figure>"


def _triggers(
    mixed: Sequence[tuple[Case, tuple[Run, ...]]], names: dict[str, tuple[str, ...]]
) -> Iterator[str]:
    """Show each case's triggers, of the first run that found any."""
    for case, runs in mixed:
        run = next((run for run in runs if run.found), runs[0])
        if run.stamps or run.found:
            yield f"<h3>{escape(case.subject)}, {escape(case.strategy)}</h3>"
            yield from trigger_pictures(run, names.get(case.subject, ()))
