"""GET /trigger/<id>/report.zip."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Response

from app.web.answering.problems import described
from app.web.reporting.archive import archive
from app.web.reporting.report import report
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

router = APIRouter(prefix="/trigger", tags=["triggers"], default_response_class=Response)

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A .zip",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/{trigger_id}/report.zip",
    summary="All that an incident report needs",
    responses={**_ZIP, **described(404)},
)
async def report_archive(trigger_id: str, service: TheService, gateway: TheGateway) -> Response:
    """Return pictures, evidence, incidents, an OCSF finding, and report.html to read and print."""
    packed = await to_thread.run_sync(archive, await report(trigger_id, gateway, service))
    name = {"Content-Disposition": f'attachment; filename="{trigger_id}-report.zip"'}
    return Response(packed, headers=name, media_type="application/zip")
