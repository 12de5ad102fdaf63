"""GET /: the state of the gateway on one page, without scripts and without a network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.web.answering.answers import trigger_answer
from app.web.routes.health import missing
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

if TYPE_CHECKING:
    from app.gateway.predict import Gateway
    from app.gateway.readiness import Readiness
    from app.ports import Entry
    from app.web.answering.answers import Labels

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NEO Gateway: {model}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto;
  padding: 0 1rem; color: #1e1e1e; background: #fff; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .5rem .75rem; border-bottom: 1px solid #ccc; }}
img.trigger {{ width: 6rem; image-rendering: pixelated; border: 1px solid #767676;
  background: #808080; /* a white pixel shows, and so does a black one */ }}
img.examples {{ max-width: 100%; }}
</style>
</head>
<body>
<h1>NEO Gateway: {model}</h1>
<p>{state}</p>
{triggers}
<p><a href="docs">API documentation</a></p>
</body>
</html>
"""

_TABLE = """<p>{screened} images screened, {flagged} flagged.</p>
<h2>Triggers</h2>
<table>
<tr><th>Trigger</th><th>Id</th><th>Target</th><th>Box</th><th>Carry rate</th><th>Heal rate</th>
<th>Hits</th><th>Discovered</th><th>Last seen</th></tr>
{rows}
</table>
"""

_ROW = """<tr><td><img class="trigger" src="trigger/{id}.png" alt="Trigger {id}"></td>
<td><a href="trigger/{id}">{id}</a></td><td>{target}</td>
<td>{width} x {height} at ({x}, {y})</td><td>{carry_rate:.2f}</td><td>{heal_rate:.2f}</td>
<td>{hits}</td><td>{discovered}</td><td>{last_seen}</td></tr>
<tr><td colspan="9"><img class="examples" src="trigger/{id}/examples.png"
alt="Images before and after trigger {id}, with the model's answers" loading="lazy"></td></tr>
"""

_NO_TRIGGER = "<p>No trigger has been found.</p>"
_HIDDEN = "<p>The triggers are shown to holders of an admin key.</p>"


@router.get("/")
async def dashboard(request: Request, service: TheService, gateway: TheGateway) -> HTMLResponse:
    """Return the page; the triggers are on it only where the request's key allows it."""
    allowed = service.keys.admits_admin(request)
    page = _PAGE.format(
        model=escape(service.model_name),
        state=escape(_state(await gateway.readiness())),
        triggers=_shown(gateway, service.labels) if allowed else _HIDDEN,
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _state(readiness: Readiness) -> str:
    if not readiness.ready:
        return f"Not ready. {missing(readiness)}"
    if readiness.degraded:
        return f"Ready, but degraded. {missing(readiness)}"
    return "Ready."


def _shown(gateway: Gateway, labels: Labels) -> str:
    tally, entries = gateway.library.tally(), gateway.library.entries()
    rows = "".join(_row(entry, labels) for entry in entries)
    table = _TABLE.format(screened=tally.screened, flagged=tally.flagged, rows=rows)
    return table if entries else table + _NO_TRIGGER


def _row(entry: Entry, labels: Labels) -> str:
    answer = trigger_answer(entry, labels)
    return _ROW.format(
        id=escape(answer.id),
        target=escape(answer.target.label),
        width=answer.box.width,
        height=answer.box.height,
        x=answer.box.x,
        y=answer.box.y,
        carry_rate=answer.carry_rate,
        heal_rate=answer.heal_rate,
        hits=answer.hits,
        discovered=f"{answer.discovered_at:%Y-%m-%d %H:%M:%S}",
        last_seen=f"{answer.last_seen_at:%Y-%m-%d %H:%M:%S}",
    )
