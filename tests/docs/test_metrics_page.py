"""The page of the metrics names all that there are, and no others."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

import app.serving.http.protocol
import app.web.app
import app.wiring
from tests.docs.pages import ROOT

_ALL = (app.wiring, app.web.app, app.serving.http.protocol)  # whoever counts


def test_every_metric_is_explained() -> None:
    """Its table has each metric under the name that is scraped, and its labels."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(neo_\w+)` \|([^|]*)\|", page, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", labels)) - {"pid"} for name, labels in rows}
    assert _families() == told


def _families() -> dict[str, set[str]]:
    """Return the labels of each metric, without those that its type has."""
    suffixes = {"counter": "_total", "info": "_info"}
    return {
        f"{family.name}{suffixes.get(family.type, '')}": {
            label for sample in family.samples for label in sample.labels
        }
        - {"le"}
        for family in REGISTRY.collect()
        if family.name.startswith("neo_")
    }
