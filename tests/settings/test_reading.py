"""Settings that are missing, misspelt, or in a .env file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import read_settings
from tests.settings.environment import REQUIRED, complaint


@pytest.mark.parametrize("name", REQUIRED)
def test_missing(environment: pytest.MonkeyPatch, name: str) -> None:
    """A required setting that is missing or empty is named, with an example."""
    environment.delenv(name)
    missing = complaint()
    environment.setenv(name, "")
    empty = complaint()

    assert missing.startswith(f"{name} is not set: ")
    assert f", e.g. {name}=" in missing
    assert missing == empty


def test_missing_upstream(environment: pytest.MonkeyPatch) -> None:
    """The line that a newcomer sees first names NEO_UPSTREAM_URL."""
    for name in REQUIRED:
        environment.delenv(name)

    assert (
        "NEO_UPSTREAM_URL is not set: the base URL of the model server, "
        "e.g. NEO_UPSTREAM_URL=http://127.0.0.1:8081"
    ) == complaint()


def test_unknown_with_a_likeness(environment: pytest.MonkeyPatch) -> None:
    """A misspelt name is no silence: the line says which setting was meant."""
    environment.setenv("NEO_TRIGER_MAX", "0.2")

    assert "NEO_TRIGER_MAX is not a setting: did you mean NEO_TRIGGER_MAX=0.316?" == complaint()


def test_unknown_without_a_likeness(environment: pytest.MonkeyPatch) -> None:
    """A name that is like no setting's gets the list of settings."""
    environment.setenv("NEO_WWW", "1")

    assert complaint().startswith("NEO_WWW is not a setting, unset it; the settings are NEO_UPS")


def test_unknown_in_env_file() -> None:
    """A name in .env is looked at as well."""
    Path(".env").write_text("NEO_DLETA=1\nOTHER_PROGRAM=1\n", encoding="utf-8")

    assert "NEO_DLETA is not a setting: did you mean NEO_DELTA=1.0?" == complaint()


def test_service_links(environment: pytest.MonkeyPatch) -> None:
    """What Kubernetes adds for a service called neo-gateway stops no start."""
    environment.setenv("NEO_GATEWAY_SERVICE_HOST", "10.0.0.1")
    environment.setenv("NEO_GATEWAY_SERVICE_PORT_HTTP", "8080")
    environment.setenv("NEO_GATEWAY_PORT", "tcp://10.0.0.1:8080")
    environment.setenv("NEO_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1")

    assert "signs" == read_settings().model


def test_env_file(environment: pytest.MonkeyPatch) -> None:
    """The file .env in the working directory counts, the environment goes before it."""
    Path(".env").write_text("NEO_DELTA=0.5\nNEO_CHECK_SIZE=12\nOTHER=1\n", encoding="utf-8")
    environment.setenv("NEO_CHECK_SIZE", "48")

    settings = read_settings()

    assert (0.5, 48) == (settings.delta_t, settings.check_size)


def test_env_file_that_is_no_text() -> None:
    """A .env that can't be read is said to be that."""
    Path(".env").write_bytes(b"NEO_MODEL=\xff\xfe\n")

    assert ".env is not a text file in UTF-8" == complaint()


@pytest.mark.parametrize("name", ["NEO_MODEL", "NEO_API_KEYS"])
def test_text_that_is_none(environment: pytest.MonkeyPatch, name: str) -> None:
    """What answers and events would have to say in UTF-8 is refused by the setting's name."""
    environment.setenv(name, os.fsdecode(b"signs\xff"))

    assert complaint().startswith(f"{name} is wrong: it is not UTF-8, e.g. {name}=")


def test_files_have_any_name(environment: pytest.MonkeyPatch) -> None:
    """A file's name is bytes to the system, and no text."""
    folder = Path(os.fsdecode(b"clean\xff"))
    folder.mkdir()
    environment.setenv("NEO_REFERENCE", str(folder))

    assert folder == read_settings().reference


def test_import_reads_nothing() -> None:
    """Importing the settings is not reading them, however wrong they are."""
    finished = subprocess.run(
        [sys.executable, "-c", "import app.settings"],
        env={"NEO_UPSTREAM_URL": "wrong", "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )

    assert 0 == finished.returncode
