"""Settings that name an address or a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import read_settings
from tests.settings.environment import complaint


def test_labels(environment: pytest.MonkeyPatch) -> None:
    """A file of class names gives them in index order, whatever wrote its line ends."""
    Path("labels.txt").write_bytes(b"\xef\xbb\xbfstop\r\nspeed limit 30\r\nFu\xc3\x9fweg\r\n")
    environment.setenv("NEO_LABELS", "labels.txt")

    assert ("stop", "speed limit 30", "Fußweg") == read_settings().labels


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "labels.txt is empty"),
        (b"stop\n\nyield\n", "line 2 of labels.txt is empty"),
        (b"\xff\xfe", "labels.txt is not a text file in UTF-8"),
    ],
)
def test_wrong_labels(environment: pytest.MonkeyPatch, content: bytes, what: str) -> None:
    """A file that would number the classes wrongly is refused."""
    Path("labels.txt").write_bytes(content)
    environment.setenv("NEO_LABELS", "labels.txt")

    assert what in complaint()


@pytest.mark.parametrize("name", ["set.zip", "set.NPZ"])
def test_reference_archive(environment: pytest.MonkeyPatch, name: str) -> None:
    """References may be an archive instead of a folder."""
    Path(name).touch()
    environment.setenv("NEO_REFERENCE", name)

    assert Path(name) == read_settings().reference


def test_reference_of_another_kind(environment: pytest.MonkeyPatch) -> None:
    """A file that is no archive of images is refused by its name."""
    Path("set.txt").touch()
    environment.setenv("NEO_REFERENCE", "set.txt")

    assert "set.txt is neither a folder nor a .zip or .npz file" in complaint()


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("valkey://store/1", "redis://store/1"),
        ("valkeys://user:Word@store:6380", "rediss://user:Word@store:6380"),
        ("valkey+sentinel://a,b/primary", "redis+sentinel://a,b/primary"),
        ("valkeys+cluster://a,b", "rediss+cluster://a,b"),
        ("Redis://store", "redis://store"),
    ],
)
def test_names_of_stores(environment: pytest.MonkeyPatch, url: str, taken: str) -> None:
    """Valkey's own schemes are Redis', in capitals or not; the rest of an address stays."""
    environment.setenv("NEO_REDIS_URL", url)

    redis_url = read_settings().redis_url
    assert redis_url is not None
    assert taken == redis_url.get_secret_value()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://user:word@store",
        "unix:///run/valkey.sock",
        "unix://:secret@/run/valkey.sock",
        "redis+sentinel://a:26379,[::1]:26379/primary",
        "rediss+cluster://a:6379,b:6379?ssl_ca_certs=ca.pem",
    ],
)
def test_stores(environment: pytest.MonkeyPatch, url: str) -> None:
    """Each kind of store address is taken as it is."""
    environment.setenv("NEO_REDIS_URL", url)

    redis_url = read_settings().redis_url

    assert redis_url is not None
    assert url == redis_url.get_secret_value()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://user:secret@models/cats/v1", "models-cats-v1"),
        ("http://127.0.0.1:8081", "127.0.0.1:8081"),
    ],
)
def test_unnamed_model(environment: pytest.MonkeyPatch, url: str, name: str) -> None:
    """A server of single pictures has one model, which is named after its address if need be."""
    environment.setenv("NEO_UPSTREAM_PROTOCOL", "image")
    environment.setenv("NEO_UPSTREAM_URL", url)
    assert "signs" == read_settings().model
    environment.delenv("NEO_MODEL")
    assert name == read_settings().model


def test_secrets_are_read_from_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A token and headers may lie in files, and no representation tells them."""
    (tmp_path / "token").write_text("secret-token\n")
    (tmp_path / "headers").write_text("X-A: secret-a\n\nX-B: secret-b\n")
    environment.setenv("NEO_UPSTREAM_TOKEN", f"@{tmp_path / 'token'}")
    environment.setenv("NEO_UPSTREAM_HEADERS", f"@{tmp_path / 'headers'}")
    settings = read_settings()
    assert settings.upstream_token == SecretStr("secret-token")
    assert {"X-A": SecretStr("secret-a"), "X-B": SecretStr("secret-b")} == settings.upstream_headers
    assert "secret-" not in repr(settings)


def test_a_webhook(environment: pytest.MonkeyPatch) -> None:
    """Its address may have a query, and may stand in a file, as its secret may; none is shown."""
    Path("webhook").write_text("https://hooks.example/T0/s3cret?token=s3cret\n")
    environment.setenv("NEO_WEBHOOK_URL", "@webhook")
    environment.setenv("NEO_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    settings = read_settings()
    assert settings.webhook_url
    assert "https://hooks.example/T0/s3cret?token=s3cret" == settings.webhook_url.get_secret_value()
    assert "s3cret" not in repr(settings)
    assert "MfKQ" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("NEO_WEBHOOK_URL", "hooks.example/s3cret", "begin with http:// or https:// and a host"),
        ("NEO_WEBHOOK_URL", "http:///s3cret", "begin with http:// or https:// and a host"),
        ("NEO_WEBHOOK_SECRET", "s3cret", "it is not whsec_ and 24 to 64 bytes in base64"),
        ("NEO_WEBHOOK_SECRET", "whsec_s3cret==", "it is not whsec_ and 24 to 64 bytes in base64"),
        ("NEO_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "it is not whsec_ and 24 to 64 bytes in base64"),
    ],
)
def test_a_wrong_webhook(environment: pytest.MonkeyPatch, name: str, value: str, what: str) -> None:
    """What can't be posted to, or signed with, is named, and not shown."""
    environment.setenv(name, value)

    assert what in complaint()
    assert value not in complaint()


@pytest.mark.parametrize(
    "text", ["Bearer hush", "bearer  hush", "Authorization: Bearer hush", "hush"]
)
def test_a_token_with_its_scheme(environment: pytest.MonkeyPatch, text: str) -> None:
    """Whoever copies a whole header gets the token, and not its scheme twice."""
    environment.setenv("NEO_UPSTREAM_TOKEN", text)
    assert SecretStr("hush") == read_settings().upstream_token
    environment.setenv("NEO_UPSTREAM_TOKEN", text.removesuffix("hush") or "é")
    assert "NEO_UPSTREAM_TOKEN is wrong: it is empty" in complaint()
