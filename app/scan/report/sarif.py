"""Findings as SARIF 2.1.0, as code hosts and pipelines read it: images that carry a trigger."""

from __future__ import annotations

from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from app.scan.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
RULE: Final = "backdoor-trigger"


def write_sarif(told: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    """Write the rows that carry a trigger."""
    results = [_result(row) for row in told if row["verdict"] == Verdict.BACKDOOR]
    driver = {
        "name": "neo-gateway",
        "version": version("neo-gateway"),
        "rules": [
            {
                "id": RULE,
                "shortDescription": {"text": "An image carries the trigger of a backdoor"},
                "fullDescription": {
                    "text": "Some pixels of it make the model answer a class that the image isn't."
                },
                "defaultConfiguration": {"level": "error"},
            }
        ],
    }
    run = {"tool": {"driver": driver}, "results": results}
    file.write(orjson.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))


def _result(row: dict[str, Any]) -> dict[str, Any]:
    place = {"uri": quote(row["path"])}
    right = row["sanitised_prediction"]
    said = (
        f"{_class(row['prediction'])}, and without it {_class(right)}" if right else "what it is to"
    )
    return {
        "ruleId": RULE,
        "level": "error",
        "message": {"text": f"It carries {row['trigger']}: the model says {said}."},
        "locations": [{"physicalLocation": {"artifactLocation": place}}],
        "fingerprints": {"sha256": row["sha256"]},
        "properties": {"trigger": row["trigger"], "evidence": row["evidence"]},
    }


def _class(said: dict[str, Any]) -> str:
    return str(said["label"] or said["index"])
