"""What lies in deploy/ for Kubernetes: rendered by kubectl and helm, held against the schemas."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from app.scan.command.command import scan
from app.serving.processes.draining import LINGER_S
from app.serving.processes.supervisor import LEAVE_S
from app.serving.serve import DRAIN_S
from app.settings import Mode, Protocol, SecondOpinion, Settings
from tests.deploy.manifests import (
    CHART,
    KUBERNETES,
    NAMES,
    ROOT,
    Document,
    gateway,
    of_kind,
    pods,
    ray_job,
    ray_pods,
    rendered,
    settings,
    transformer,
)
from tests.deploy.tools import assert_valid, kustomized, needs_tools, program, templated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_tools

VERSIONS = ("1.29", "1.35")
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
"""Kinds that an operator brings: Kubernetes itself has no schema for them."""

ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
EXAMPLE = KUBERNETES / "overlays" / "production" / "keys.example.env"
KNOWN = {
    str(field.validation_alias or f"NEO_{name.upper()}")
    for name, field in Settings.model_fields.items()
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_documents_fit_the_schemas(name: str, version: str) -> None:
    """Every document is one of Kubernetes', without a field that it doesn't know."""
    for document in rendered(name):
        if document["kind"] not in FOREIGN:
            assert_valid(document, version)


def test_transformer_is_a_pod() -> None:
    """What KServe makes a pod of fits its schema."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "signs"}, "spec": transformer()}
    assert_valid(pod, VERSIONS[-1])


def test_references_may_come_in_an_image(tmp_path: Path) -> None:
    """With the component the volume is filled by an image, and nothing is left of the claim."""
    overlay = _overlay(tmp_path, "components: [../components/references-image]")
    documents = tuple(kustomized(overlay))
    for document in documents:
        assert_valid(document, VERSIONS[-1])
    volumes = {volume["name"]: volume for volume in gateway(documents)["volumes"]}
    assert {"name": "references", "emptyDir": {"sizeLimit": "2Gi"}} == volumes["references"]
    assert "neo-gateway-references:0.1.0" == gateway(documents)["initContainers"][0]["image"]


def test_ray_runs_in_pods() -> None:
    """What KubeRay makes pods of fits their schema, and is restricted."""
    for specification in ray_pods():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}}
        assert_valid({**pod, "spec": specification}, VERSIONS[-1])
        _assert_restricted(specification)
        (container,) = specification["containers"]
        names = {variable["name"] for variable in container["env"]}
        assert {"HOME", "RAY_USAGE_STATS_ENABLED"} == names - KNOWN


def test_the_scan_by_ray_takes_its_options() -> None:
    """The job's command is one that the program knows, its release of Ray the one locked."""
    job = ray_job()
    program, command, *words = shlex.split(job["entrypoint"])
    assert ("neo-gateway", "scan") == (program, command)
    assert "ray" == scan.make_context("scan", words).params["engine"]
    locked = f"ray=={job['rayClusterSpec']['rayVersion']} "
    assert locked in (ROOT / "requirements-ray.lock").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_container_is_restricted(name: str) -> None:
    """Nothing runs as root, gains privileges, or writes but into its volumes."""
    for _, pod in pods(rendered(name)):
        _assert_restricted(pod)


def test_transformer_is_restricted() -> None:
    """KServe's pod is, too."""
    _assert_restricted(transformer())


def _assert_restricted(pod: Document) -> None:
    assert pod["securityContext"]["runAsNonRoot"]
    assert "RuntimeDefault" == pod["securityContext"]["seccompProfile"]["type"]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        } == container["securityContext"]
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", NAMES)
def test_selectors_find_their_pods(name: str) -> None:
    """Whatever selects pods selects those of one kind."""
    documents = rendered(name)
    labels = [found for found, _ in pods(documents)]
    for selector in _selectors(documents):
        assert 1 == sum(selector.items() <= found.items() for found in labels), selector


def _selectors(documents: tuple[Document, ...]) -> Iterator[dict[str, str]]:
    for document in documents:
        specification = document.get("spec", {})
        match document["kind"]:
            case "Service":
                yield specification["selector"]
            case "Deployment" | "StatefulSet" | "PodDisruptionBudget":
                yield specification["selector"]["matchLabels"]
            case "NetworkPolicy":
                yield specification["podSelector"]["matchLabels"]
            case _:
                pass


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_the_gateways(name: str) -> None:
    """Each variable is a setting: a misspelt one would stop the start."""
    assert set() == settings(rendered(name)).keys() - KNOWN


def test_examples_of_secrets_are_settings() -> None:
    """So are those of the Secret, but for the scraper's own."""
    names = set(re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert {"METRICS_KEY"} == names - KNOWN


def test_chart_and_overlays_are_the_same_gateway() -> None:
    """Whichever way is taken: the same command, probes, limits, and end."""
    ours, charts = (gateway(rendered(name)) for name in ("overlays/monitor", "helm monitor"))
    for fact in ("securityContext", "terminationGracePeriodSeconds", "volumes"):
        assert ours[fact] == charts[fact]
    assert _without_settings(ours) == _without_settings(charts)


def _without_settings(pod: Document) -> Document:
    """Return the only container, but for where its settings come from."""
    (container,) = pod["containers"]
    return {fact: value for fact, value in container.items() if fact != "envFrom"}


@pytest.mark.parametrize("name", NAMES)
def test_pods_have_the_time_that_draining_takes(name: str) -> None:
    """Whoever hangs is killed by the gateway itself, before Kubernetes kills the pod."""
    pod = gateway(rendered(name))
    _, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert LINGER_S + DRAIN_S < LEAVE_S
    assert int(seconds) + LINGER_S + LEAVE_S < pod["terminationGracePeriodSeconds"]


def test_modes() -> None:
    """One overlay watches, the other one corrects; the keys of that one have to be there."""
    watching, correcting = rendered("overlays/monitor"), rendered("overlays/production")
    assert ("monitor", "enforce") == tuple(settings(d)["NEO_MODE"] for d in (watching, correcting))
    (container,) = gateway(correcting)["containers"]
    assert {"secretRef": {"name": "neo-gateway-keys"}} == container["envFrom"][1]
    assert [] == [d for d in (*watching, *correcting) if d["kind"] == "Secret"]


def test_alerts_are_those_of_prometheus() -> None:
    """What the operator gets is what Prometheus' own tests have tried."""
    for name in ("overlays/production", "helm production"):
        (rule,) = of_kind(rendered(name), "PrometheusRule")
        assert ALERTS == rule["spec"]


def test_images_are_the_compose_files() -> None:
    """The same releases run, whichever way is taken."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in ("overlays/monitor", "helm monitor"):
        images = {pod["containers"][0]["image"] for _, pod in pods(rendered(name))}
        assert {compose["gateway"]["image"], compose["valkey"]["image"]} == images
    assert compose["gateway"]["image"] == transformer()["containers"][0]["image"]


def test_page_shows_what_works(tmp_path: Path) -> None:
    """The overlay and the command of `docs/operations.md` give a gateway with its own settings."""
    page = (ROOT / "docs" / "operations.md").read_text()
    _, _, section = page.partition("## On Kubernetes")
    overlay = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]
    (tmp_path / "kustomization.yaml").write_text(overlay)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    command = re.findall(
        r"helm install signs deploy/helm/neo-gateway (.*?)\n```", section, re.DOTALL
    )[0]
    options = command.replace("\\\n", " ").split()
    for documents in (tuple(kustomized(tmp_path)), tuple(templated(CHART, *options))):
        told = settings(documents)
        assert ("http://models.shop:8000", "signs") == (told["NEO_UPSTREAM_URL"], told["NEO_MODEL"])
        assert "monitor" == told["NEO_MODE"]
        image = gateway(documents)["containers"][0]["image"]
        assert "registry.internal/neo-gateway:0.1.0" == image


@pytest.mark.parametrize(
    ("given", "volume"),
    [
        ("quarantine.claim=kept", {"persistentVolumeClaim": {"claimName": "kept"}}),
        ("quarantine.volume.emptyDir.sizeLimit=2Gi", {"emptyDir": {"sizeLimit": "2Gi"}}),
        ("quarantine.claim=", None),
    ],
)
def test_chart_has_a_place_for_flagged_images(given: str, volume: Document | None) -> None:
    """Where a volume is given, the gateway keeps them on it."""
    values = CHART / "ci" / "monitor-values.yaml"
    documents = tuple(templated(CHART, "--values", values, "--set", given))
    for document in documents:
        assert_valid(document, VERSIONS[-1])
    pod = gateway(documents)
    volumes = {one.pop("name"): one for one in pod["volumes"]}
    mounts = {one["name"]: one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
    assert volume == volumes.get("quarantine")
    place = None if volume is None else "/quarantine"
    assert (place, place) == (
        mounts.get("quarantine"),
        settings(documents).get("NEO_QUARANTINE"),
    )


@pytest.mark.parametrize("values", sorted(CHART.glob("ci/*.yaml")), ids=lambda path: path.name)
def test_chart_has_nothing_to_complain_of(values: Path) -> None:
    """`helm lint` finds nothing, with warnings as errors."""
    run = [program("helm") or "", "lint", "--strict", str(CHART), "--values", str(values)]
    said = subprocess.run(run, capture_output=True, text=True, check=False)
    assert 0 == said.returncode, said.stdout


def test_chart_knows_the_settings_words() -> None:
    """The schema of the values has the words that the settings have."""
    known = yaml.safe_load((CHART / "values.schema.json").read_text())
    words = known["properties"]["settings"]["properties"]
    assert set(words) <= KNOWN
    assert {mode.value for mode in Mode} == set(words["NEO_MODE"]["enum"])
    assert {one.value for one in SecondOpinion} == set(words["NEO_SECOND_OPINION"]["enum"])
    assert {one.value for one in Protocol} == set(words["NEO_UPSTREAM_PROTOCOL"]["enum"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "settings.NEO_MODEL=",
            "settings.NEO_MODEL is needed, e.g. --set settings.NEO_MODEL=signs",
        ),
        ("settings.NEO_UPSTREAM_URL=models", "/settings/NEO_UPSTREAM_URL"),
        ("references.claim=", "references are needed"),
        ("valkey.enabled=false", "NEO_REDIS_URL"),
        ("settings.NEO_API_KEYS=secret", "/settings/NEO_API_KEYS"),
        ("settings.NEO_MODE=watch", "/settings/NEO_MODE"),
        ("workers=0", "/workers"),
        ("replica=3", "replica"),
    ],
)
def test_chart_refuses(given: str, said: str) -> None:
    """What can't run is refused before it is installed, and what is wrong is named."""
    values = CHART / "ci" / "monitor-values.yaml"
    with pytest.raises(AssertionError, match=re.escape(said)):
        templated(CHART, "--values", values, "--set", given)


def _overlay(directory: Path, more: str) -> Path:
    """Write an overlay of one's own beside a copy of ours, as users have it."""
    for folder in ("base", "components"):
        (directory / folder).symlink_to(KUBERNETES / folder)
    own = directory / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(f"resources: [../base]\n{more}\n")
    return own
