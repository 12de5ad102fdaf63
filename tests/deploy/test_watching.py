"""The alerts and the dashboard, against a real Prometheus that scrapes a real gateway."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.deploy.prometheus import needs_prometheus, promtool, scraping
from tests.faults.service import CLEAN, POISONED, running_gateway
from tests.library.servers import wait_until
from tests.plain_http import ASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deploy.prometheus import Prometheus
    from tests.faults.service import Service, Upstream

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
FIRING = ALERTS.with_name("alerts_test.yml")
DASHBOARD = ROOT / "deploy" / "grafana" / "neo-gateway.json"
SCRAPED_S = 30.0
OWN = re.compile(r"\b(?:neo|process)_\w+")
VARIABLES = {
    "$job": "neo-gateway",
    "$instance": ".*",
    "$__rate_interval": "30s",
    "$__range": "30s",
}

pytestmark = needs_prometheus


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, endpoint: Upstream) -> Iterator[Service]:
    """Run a gateway with two workers that has found a trigger."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), endpoint) as running:
        wait_until(lambda: running.predict(POISONED[0]).json()["backdoor"], SCRAPED_S)
        yield running


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Iterator[Prometheus]:
    """Run a Prometheus that has scraped the gateway while it was asked."""
    with scraping(service, ALERTS, tmp_path_factory.mktemp("prometheus")) as running:
        for needed in range(1, 4):
            assert 200 == service.predict(CLEAN[needed]).status_code
            assert service.predict(POISONED[needed]).json()["backdoor"]
            scrapes = f'count_over_time(up{{job="neo-gateway"}}[5m]) >= {needed}'
            wait_until(partial(running.says, scrapes), SCRAPED_S)
        yield running


def rules() -> list[dict[str, Any]]:
    """Return all alerts."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[tuple[str, str]]:
    """Return the dashboard's queries, each with the title of its panel."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        (panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", ())
    ]


def test_alerts_are_silent_until_they_are_due() -> None:
    """Prometheus' own checks of the files pass, and the tests of the alerts with them."""
    promtool("check", "config", ALERTS.with_name("prometheus.yml"))
    assert f"SUCCESS: {len(rules())} rules found" in promtool("check", "rules", ALERTS)
    promtool("test", "rules", FIRING)


def test_every_alert_is_seen_firing() -> None:
    """There is a test in which each alert fires."""
    tried = FIRING.read_text()
    named = set(re.findall(r'alertname[=:] ?"?(\w+)', tried))
    assert {rule["alert"] for rule in rules()} == named


def test_every_alert_says_what_to_do() -> None:
    """Each has a summary, a severity and a sentence, and its row in the page that it names."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    _, _, section = page.partition("## Alerts")
    explained = re.findall(r"^\| `(Neo\w+)` \|", section, re.MULTILINE)
    assert [rule["alert"] for rule in rules()] == explained
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"].startswith("docs/troubleshooting.md#alerts: ")


def test_compose_finds_its_files() -> None:
    """What the compose file mounts of deploy/ is there, and Grafana looks where it is mounted."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    mounts = [
        mount.split(":") for one in ("prometheus", "grafana") for mount in services[one]["volumes"]
    ]
    paths = {there: here for here, there, *_ in mounts if here.startswith("./")}
    assert [] == [here for here in paths.values() if not (ROOT / here).exists()]
    provisioned = yaml.safe_load(
        (DASHBOARD.parent / "provisioning" / "dashboards" / "neo-gateway.yml").read_text()
    )
    (provider,) = provisioned["providers"]
    assert DASHBOARD == ROOT / paths[f"{provider['options']['path']}/{DASHBOARD.name}"]


def test_alerts_ask_for_what_there_is(service: Service) -> None:
    """Every metric in the alerts is one that the gateway tells."""
    told = set(OWN.findall(ASK.get(f"{service.url}/metrics").text))
    for rule in rules():
        assert set(OWN.findall(rule["expr"])) <= told, rule["alert"]


@pytest.mark.parametrize(("title", "query"), queries(), ids=lambda word: word[:60])
def test_every_panel_shows_something(prometheus: Prometheus, title: str, query: str) -> None:
    """Each query of the dashboard has a result."""
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    assert "$" not in query
    values = [sample["value"][1] for sample in prometheus.query(query)]
    assert set(values) - {"NaN"}, title


def test_first_trigger_fires_its_alert(prometheus: Prometheus, service: Service) -> None:
    """What the gateway tells of a trigger reaches the alert that waits for it."""
    assert prometheus.says("max(neo_triggers) == 1")
    hits = prometheus.query('sum by (trigger) (neo_trigger_hits_total{trigger!="other"})')
    assert [service.triggers()[0]["id"]] == [hit["metric"]["trigger"] for hit in hits]
