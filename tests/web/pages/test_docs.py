"""The documentation works without a network and tells the truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.web.served import serving

if TYPE_CHECKING:
    from tests.web.served import Served


async def test_page_needs_nothing_from_outside(served: Served) -> None:
    """Nothing on the page has an address elsewhere, and all that it loads is there."""
    page = (await served.http.get("/docs")).text
    assert not re.search(r"(https?:)?//\w", page)
    assert '"validatorUrl": null' in page
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page) + re.findall(r"url: '([^']+)'", page)
    assert 4 == len(loaded)
    for address in loaded:
        assert 200 == (await served.http.get(f"/{address}")).status_code, address


DROP_IN = {
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/{model}",
    "GET /v2/models/{model}/config",
    "GET /v2/models/{model}/stats",
    "POST /v2/repository/index",
    "GET /v2/models/{model}/ready",
    "POST /v2/models/{model}/infer",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /v1/models/{model}/metadata",
    "POST /v1/models/{model}:predict",
}


async def test_document_describes_the_operations(served: Served) -> None:
    """Every operation has its success, its problems, and a body where it takes one."""
    document = (await served.http.get("/openapi.json")).json()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert {
        "POST /predict",
        "GET /trigger",
        "GET /trigger/{trigger_id}",
        "GET /trigger/{trigger_id}.png",
        "GET /trigger/{trigger_id}/overlay.png",
        "GET /trigger/{trigger_id}/examples.png",
        "GET /trigger/{trigger_id}/examples.zip",
        "GET /trigger/{trigger_id}/report.zip",
        "DELETE /trigger/{trigger_id}",
        "POST /trigger/{trigger_id}/restore",
        "GET /suspects",
        "GET /suspects/{suspect_id}.png",
        "GET /incidents",
        "GET /incidents.jsonl",
        "GET /audit",
        "GET /events",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        *DROP_IN,
    } == operations.keys()
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations.items():
        responses = operation["responses"]
        assert responses["200"]["content"], name
        assert (error if name in DROP_IN else problem) == responses["default"]["content"], name
        assert "security" not in operation, name
    assert "Problem" in document["components"]["schemas"]
    taken = operations["POST /predict"]["requestBody"]["content"]
    assert {"image/png", "image/jpeg", "image/webp", "image/bmp", "multipart/form-data"} < set(
        taken
    )


async def test_document_asks_for_keys_where_they_are_needed() -> None:
    """Once keys are set, the operations that need one say so: either header will do."""
    async with serving(api_keys=("api-1",)) as served:
        answer = await served.http.get("/openapi.json", headers={"X-API-Key": "api-1"})
    document = answer.json()
    predict, health = document["paths"]["/predict"]["post"], document["paths"]["/healthz"]["get"]
    assert [{"HTTPBearer": []}, {"APIKeyHeader": []}] == predict["security"]
    assert "401" in predict["responses"]
    assert {"401", "403"} <= document["paths"]["/trigger"]["get"]["responses"].keys()
    assert "security" not in health
