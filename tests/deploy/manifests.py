"""What lies in deploy/ for Kubernetes, as it is rendered."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.deploy.tools import kustomized, templated

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "neo-gateway"
KSERVE = ROOT / "deploy" / "kserve" / "inferenceservice.yaml"
RAYJOB = KUBERNETES / "rayjob.yaml"

FOLDERS: Final = ("base", "overlays/monitor", "overlays/production")
VALUES: Final = ("monitor", "production", "bare")
NAMES: Final = (*FOLDERS, *(f"helm {name}" for name in VALUES))

Document = dict[str, Any]


@cache
def rendered(name: str) -> tuple[Document, ...]:
    """Return the documents of an overlay, or of the chart with one of its `ci` values."""
    if name in FOLDERS:
        return tuple(kustomized(KUBERNETES / name))
    values = CHART / "ci" / f"{name.removeprefix('helm ')}-values.yaml"
    return tuple(templated(CHART, "--values", values))


def of_kind(documents: tuple[Document, ...], kind: str) -> list[Document]:
    """Return those of *documents* that are of this *kind*."""
    return [document for document in documents if document["kind"] == kind]


def gateway(documents: tuple[Document, ...]) -> Document:
    """Return the specification of the gateway's pod."""
    (deployment,) = of_kind(documents, "Deployment")
    specification: Document = deployment["spec"]["template"]["spec"]
    return specification


def settings(documents: tuple[Document, ...]) -> dict[str, str]:
    """Return the variables that the gateway gets from the ConfigMap that it names."""
    (container,) = gateway(documents)["containers"]
    name = container["envFrom"][0]["configMapRef"]["name"]
    (found,) = (one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"] == name)
    variables: dict[str, str] = found["data"]
    return variables


def transformer() -> Document:
    """Return the specification of the pod that KServe makes for the transformer."""
    document: Document = yaml.safe_load(KSERVE.read_text())["spec"]["transformer"]
    document.pop("minReplicas")
    return document


def ray_job() -> Document:
    """Return the specification of the job that scans by actors of Ray."""
    specification: Document = yaml.safe_load(RAYJOB.read_text())["spec"]
    return specification


def ray_pods() -> Iterator[Document]:
    """Yield the specification of each kind of pod that KubeRay makes for it."""
    cluster = ray_job()["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield group["template"]["spec"]


def pods(documents: tuple[Document, ...]) -> Iterator[tuple[Document, Document]]:
    """Yield the labels and the specification of every pod."""
    for kind in ("Deployment", "StatefulSet"):
        for document in of_kind(documents, kind):
            template = document["spec"]["template"]
            yield template["metadata"]["labels"], template["spec"]
