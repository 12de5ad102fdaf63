"""The test of a module is found by its name: app/a/b.py is tested by tests/a/test_b.py."""

from __future__ import annotations

import ast
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]

MOST_MODULES = 12

ELSEWHERE = {
    "bench/*": "bench/test_command",  # the command as its users run it
    "check/*": "check/test_command",  # the command as its users run it
    "demo/*": "demo/test_show",  # the show as its users see it
    "detection/finding/edges": "detection/finding/test_localising",  # localising moves them
    # calibrating ranks them:
    "detection/reference_set/references": "detection/reference_set/test_calibration",
    "detection/matching/*": "detection/matching/test_places",  # what is found where
    "detection/trigger": "detection/recognising/test_asking",  # what a known one holds
    "evaluation/attacks/poisoning": "evaluation/subjects/test_suite",  # a model is trained on it
    "detection/suspect": "detection/suspects/test_agreement",  # what is compared
    "detection/suspects/*": "detection/suspects/test_deciding",  # from a suspect to a trigger
    "evaluation/command/*": "evaluation/command/test_command",  # the command as its users run it
    # the document holds all results:
    "evaluation/experiments/results": "evaluation/report/test_document",
    "evaluation/field/defences": "evaluation/field/test_measuring",  # each is measured
    "evaluation/field/tables": "evaluation/command/test_field",  # the command shows them
    "evaluation/measures/series": "evaluation/measures/test_metrics",  # every measure reads it
    "evaluation/records": "evaluation/runs/test_trial",  # a trial makes them
    # all tables are one list of sheets:
    "evaluation/report/tables/*_tables": "evaluation/report/tables/test_tables",
    "evaluation/report/pictures": "evaluation/report/test_page",  # the page shows them
    "evaluation/report/stream_plots": "evaluation/report/test_page",  # and draws these
    "evaluation/report/tables/sheet": "evaluation/report/tables/test_tables",  # each table is one
    "events/fleet": "library/shared/test_event_stream",  # two workers on a real server
    # against a real receiver:
    "events/webhook/courier": "events/webhook/test_sender",
    "gateway/searching/examination": "gateway/test_kinds",  # by what the strategy looks for
    "gateway/outcome": "gateway/test_predict",  # one image from start to finish
    "gateway/keeping/suspecting": "web/routes/test_suspects",  # from a suspect to its incidents
    "gateway/timing": "web/answering/test_server_timing",  # the header tells it
    # it follows a change of the model:
    "gateway/preparation/library_check": "gateway/test_after_another_model",
    "gateway/preparation/prepared": "gateway/preparation/test_lifecycle",  # the lifecycle prepares
    "kept": "scan/test_course",  # a scan goes on with its triggers
    "library/counts": "library/test_worker_copy",  # the copy adds them up
    "library/looking": "check/test_command",  # who looks
    "library/lifecycle": "library/test_triggers",  # every test there opens a library
    "library/records/*": "library/records/test_encoding",  # what is read was encoded
    "library/server/connection": "faults/test_redis_proxied",  # cut, slow and cancelled
    "library/server/tether": "library/server/test_embedded",  # a server dies with its parent
    # taken over from a worker that dies:
    # what is written comes back as it was, and what is spoilt is left out:
    "library/records/incident_encoding": "library/shared/test_incidents",
    "library/shared/leases": "library/shared/test_calibration_store",
    "library/shared/*": "library/test_spec",  # two workers on a real server, in any order
    "pictures/formats/png": "pictures/formats/test_essence",  # each format's essence
    "pictures/formats/exif": "pictures/test_decoding",  # against Pillow's own reading
    "options/*": "evaluation/command/test_parsing",  # a command that has them all
    "metrics/cells": "metrics/test_workers",  # each worker counts in them
    "metrics/processes": "metrics/test_workers",  # the processes of all workers
    "metrics/__init__": "web/routes/test_metrics",  # what is counted, as it is told
    "ports/library": "library/test_worker_copy",  # its one rule: how counts add up
    "ports/model": "upstream/test_batching",  # its one rule: which searches are long
    "serving/log": "web/test_log_secrets",  # the service's log, line by line
    # against a real gateway:
    "remote_gateway/gateway": "evaluation/runs/test_through_gateway",
    "scan/*": "scan/test_course",  # a scan from its first wave to its last
    "scan/command/*": "scan/command/test_command",  # the command as its users run it
    "scan/engines/*": "scan/command/test_command",  # each starts processes
    "scan/looking/*": "scan/test_course",  # what processes say of pictures
    "scan/looking/*gateway*": "scan/command/test_gateway",  # against a real one
    "scan/offering": "scan/command/test_gateway",  # as well
    "scan/report/*": "scan/command/test_command",  # what the command leaves
    "scan/sources/*": "scan/sources/test_listing",  # what is listed is read
    "scan/state/*": "scan/state/test_state",  # one file
    "serving/asgi": "serving/test_serve",  # the service as its users start it
    "serving/http/*": "serving/http/test_protocol",  # the protocol is made of them
    "serving/processes/orphans": "serving/test_serve",  # nothing outlives a killed supervisor
    "serving/processes/shared": "serving/test_serve",  # the store, from one start to the next
    "serving/processes/worker": "serving/processes/test_supervisor",  # the supervisor replaces it
    "settings/quantities": "settings/test_settings",  # each way to write a value
    "tracing/*": "tracing/test_exporting",  # spans as a collector gets them
    "upstream/agreement": "upstream/inputs/test_arrivals",  # which forms of tensors are taken
    "upstream/assembly": "upstream/test_access",  # a model opened as its owner describes it
    "upstream/dialects/dialect": "gateway/test_selections",  # how a dialect is asked
    "upstream/http/connection": "upstream/http/test_session",  # a session owns it
    "upstream/parts": "upstream/test_batching",  # batches are split and joined
    "web/answering/incidents": "web/routes/test_incidents",  # GET /incidents
    "web/answering/suspects": "web/routes/test_suspects",  # GET /suspects
    "web/answering/event_stream": "web/routes/test_events",  # from a real server
    "web/answering/examples": "web/routes/test_triggers",  # GET /trigger/<id>/examples
    "web/app": "web/test_guard",  # what every path passes
    "web/counting": "web/routes/test_metrics",  # every answer is told there
    "web/direct": "web/protocols/test_oip",  # beside the framework's way
    "web/intake/contents": "web/test_hostile_bodies",  # packed bodies
    "web/intake/model_names": "web/protocols/test_oip",  # the name in the path
    "web/protocols/drop_in": "web/pages/test_docs",  # what the OpenAPI document says of them
    "web/protocols/judging": "web/protocols/test_oip",  # each image of a batch by itself
    "web/pages/shown": "web/pages/test_dashboard",  # the page shows it
    "web/reporting/*": "web/routes/test_reports",  # GET /trigger/<id>/report.zip
    "web/service": "web/routes/test_health",  # what the routes work with
    "wire/fields": "wire/test_reading",  # hostile messages, read
    "wire/lists": "wire/test_reading",  # ragged and deep ones
    "wire/packing": "fuzz/test_packing",  # damaged bodies
    "wire/tensors": "wire/test_reading",  # shapes and datatypes that lie
    "wire/writing": "upstream/test_oip_framing",  # against another reader
}
"""Where modules are tested that have no test of their own name, by patterns; the longest counts."""


def test_every_module_has_its_test() -> None:
    """A module that does something has a test of its name, or stands in the table."""
    assert [] == [name for name in _untested() if not _patterns(name)]


def test_the_table_is_no_longer_than_it_must_be() -> None:
    """Each line of the table is the best one for some module, and names a test that is there."""
    needed = {max(_patterns(name), key=len) for name in _untested() if _patterns(name)}
    assert set(ELSEWHERE) == needed
    assert [] == [test for test in ELSEWHERE.values() if not _path("tests", test).exists()]


def test_no_room_has_more_than_a_dozen_modules() -> None:
    """What grows beyond a dozen gets inner rooms, so that a line of code knows its neighbours."""
    rooms = Counter(path.parent for path in (ROOT / "app").rglob("[!_]*.py"))
    assert {} == {room.as_posix(): many for room, many in rooms.items() if many > MOST_MODULES}


def _untested() -> list[str]:
    """Return the modules in app/ that do something and have no test of their name."""
    return [name for name in _modules() if not _path("tests", _own_test(name)).exists()]


def _modules() -> list[str]:
    app = ROOT / "app"
    paths = sorted(path for path in app.rglob("*.py") if _does_something(path))
    return [path.relative_to(app).with_suffix("").as_posix() for path in paths]


def _does_something(path: Path) -> bool:
    """Return whether there is a function in the module with more than a docstring and `...`."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(
        not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, functions)
        for line in node.body
    )


def _own_test(name: str) -> str:
    path = Path(name)
    return str(path.with_name(f"test_{path.name}"))


def _path(root: str, name: str) -> Path:
    return ROOT / root / f"{name}.py"


def _patterns(name: str) -> list[str]:
    """Return the patterns in the table that are about the module in its own room."""
    return [
        pattern
        for pattern in ELSEWHERE
        if fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")
    ]
