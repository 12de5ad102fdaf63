"""The settings, read from a real environment and real files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import (
    FailurePolicy,
    InputShape,
    Layout,
    Protocol,
    Resize,
    SearchMode,
    SettingError,
    Settings,
    Strategy,
    read_settings,
)

REQUIRED = {
    "NEO_UPSTREAM_URL": "http://127.0.0.1:8081",
    "NEO_MODEL": "signs",
    "NEO_REFERENCE": "references",
}


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment: nothing but the required settings, in an empty folder."""
    for name in [name for name in os.environ if name.upper().startswith("NEO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("references").mkdir()
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaint() -> str:
    """Return what is said of the environment as it is."""
    with pytest.raises(SettingError) as caught:
        read_settings()
    return str(caught.value)


def test_defaults() -> None:
    """What isn't set has the value in the contract."""
    settings = read_settings()

    assert {
        "upstream_url": "http://127.0.0.1:8081",
        "upstream_protocol": Protocol.OIP,
        "upstream_token": None,
        "upstream_headers": {},
        "upstream_ca": None,
        "model": "signs",
        "outputs": (),
        "answer": None,
        "labels": (),
        "reference": Path("references"),
        "input_size": None,
        "input_layout": None,
        "input_datatype": None,
        "input_resize": Resize.STRETCH,
        "input_mean": (0.0,),
        "input_std": (1.0,),
        "input_scale": 1.0,
        "redis_url": None,
        "strategy": Strategy.FULL,
        "trigger_max": 0.316,
        "lambda_t": 0.75,
        "delta_t": 1.0,
        "check_size": 24,
        "search": SearchMode.CONTINUE,
        "probe_budget": None,
        "probe_rate": None,
        "key_probe_rate": None,
        "patience": 10.0,
        "on_failure": FailurePolicy.CLOSED,
        "api_keys": {"values": (), "path": None},
        "admin_keys": {"values": (), "path": None},
        "max_body": 10 * 1024 * 1024,
        "max_pixels": 16_000_000,
    } == settings.model_dump()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("NEO_UPSTREAM_URL", "https://models/a/", "upstream_url", "https://models/a"),
        ("NEO_UPSTREAM_PROTOCOL", "oip", "upstream_protocol", Protocol.OIP),
        ("NEO_UPSTREAM_PROTOCOL", "image", "upstream_protocol", Protocol.IMAGE),
        ("NEO_UPSTREAM_TOKEN", "secret", "upstream_token", SecretStr("secret")),
        (
            "NEO_UPSTREAM_HEADERS",
            "X-Key: a:b | X-Other:c",
            "upstream_headers",
            {"X-Key": SecretStr("a:b"), "X-Other": SecretStr("c")},
        ),
        ("NEO_OUTPUTS", "scores, label", "outputs", ("scores", "label")),
        ("NEO_ANSWER", "r[*].{label: n}", "answer", "r[*].{label: n}"),
        ("NEO_INPUT_DATATYPE", "uint8", "input_datatype", "UINT8"),
        ("NEO_INPUT_LAYOUT", "FLAT", "input_layout", Layout.FLAT),
        ("NEO_INPUT_RESIZE", "pad", "input_resize", Resize.PAD),
        ("NEO_INPUT_SIZE", "48", "input_size", InputShape(48, 48)),
        ("NEO_INPUT_SIZE", "48x64", "input_size", InputShape(48, 64)),
        ("NEO_INPUT_SIZE", "48 x 64 X 3", "input_size", InputShape(48, 64, 3)),
        ("NEO_INPUT_LAYOUT", "NCHW", "input_layout", Layout.NCHW),
        ("NEO_INPUT_MEAN", "0.485, 0.456,0.406", "input_mean", (0.485, 0.456, 0.406)),
        ("NEO_INPUT_MEAN", "-1", "input_mean", (-1.0,)),
        ("NEO_INPUT_STD", "255", "input_std", (255.0,)),
        ("NEO_INPUT_SCALE", "0.25", "input_scale", 0.25),
        ("NEO_STRATEGY", "paper", "strategy", Strategy.PAPER),
        ("NEO_TRIGGER_MAX", "1", "trigger_max", 1.0),
        ("NEO_LAMBDA", "0.8", "lambda_t", 0.8),
        ("NEO_DELTA", "0", "delta_t", 0.0),
        ("NEO_CHECK_SIZE", "100", "check_size", 100),
        ("NEO_SEARCH", "stop", "search", SearchMode.STOP),
        ("NEO_PROBE_BUDGET", "12.5", "probe_budget", 12.5),
        ("NEO_PATIENCE", "2.5", "patience", 2.5),
        ("NEO_PATIENCE", "10 s", "patience", 10.0),
        ("NEO_PATIENCE", "500ms", "patience", 0.5),
        ("NEO_PATIENCE", "1 min", "patience", 60.0),
        ("NEO_ON_FAILURE", "open", "on_failure", FailurePolicy.OPEN),
        ("NEO_MAX_BODY", "2048", "max_body", 2048),
        ("NEO_MAX_BODY", "2 KiB", "max_body", 2048),
        ("NEO_MAX_BODY", "1.5MB", "max_body", 1_500_000),
        ("NEO_MAX_PIXELS", "0.5 Mpx", "max_pixels", 500_000),
        ("NEO_MAX_PIXELS", "640000", "max_pixels", 640_000),
    ],
)
def test_values(
    environment: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    """Each way to write a value gives the value that it stands for."""
    environment.setenv(name, text)

    assert value == getattr(read_settings(), field)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("NEO_UPSTREAM_URL", "127.0.0.1:8081", "does not begin with http://"),
        ("NEO_UPSTREAM_URL", "http://", "does not begin with http:// or https:// and a host"),
        ("NEO_UPSTREAM_URL", "http://h/?a=1", "no ? or #"),
        ("NEO_UPSTREAM_URL", "http://h:port", "not an address"),
        ("NEO_UPSTREAM_PROTOCOL", "grpc", "should be 'oip', 'instances' or 'image', not 'grpc'"),
        ("NEO_UPSTREAM_TOKEN", "@nowhere", "nowhere can't be read"),
        ("NEO_UPSTREAM_TOKEN", "pass\u00a0word", "a character that a header can't carry"),
        ("NEO_UPSTREAM_HEADERS", "no colon", "must be `Name: value`"),
        ("NEO_UPSTREAM_HEADERS", "A: 1|b c: 2", "must be `Name: value`"),
        ("NEO_UPSTREAM_HEADERS", "Content-Length: 3", "Content-Length is the connection's own"),
        ("NEO_UPSTREAM_CA", "nowhere.pem", "no certificates that can be read"),
        ("NEO_OUTPUTS", "a,,b", "an empty name"),
        ("NEO_ANSWER", "[*", "no JMESPath expression"),
        ("NEO_INPUT_DATATYPE", "BOOL", "'BOOL' is none of FP32"),
        ("NEO_INPUT_LAYOUT", "HWC", "'NHWC', 'NCHW', 'NHW' or 'FLAT'"),
        ("NEO_INPUT_RESIZE", "fill", "'stretch', 'crop' or 'pad'"),
        ("NEO_LABELS", "nowhere.txt", "nowhere.txt can't be read"),
        ("NEO_REFERENCE", "nowhere", "there is no nowhere"),
        ("NEO_INPUT_SIZE", "big", "'big' is not a height"),
        ("NEO_INPUT_SIZE", "48x0", "has no pixels"),
        ("NEO_INPUT_SIZE", "48x48x4", "4 channels are neither grey"),
        ("NEO_INPUT_LAYOUT", "HWC", "not 'HWC'"),
        ("NEO_INPUT_MEAN", "1,2", "'1,2' is not one number"),
        ("NEO_INPUT_MEAN", "nan", "'nan' is not one number"),
        ("NEO_INPUT_STD", "0", "divided by 0"),
        ("NEO_INPUT_SCALE", "0", "greater than 0"),
        ("NEO_REDIS_URL", "http://127.0.0.1", "not a redis://"),
        ("NEO_STRATEGY", "quick", "should be 'full', 'fast', 'paper' or 'off', not 'quick'"),
        ("NEO_TRIGGER_MAX", "1.5", "less than or equal to 1, not '1.5'"),
        ("NEO_LAMBDA", "high", "not 'high'"),
        ("NEO_DELTA", "2", "less than 2"),
        ("NEO_CHECK_SIZE", "0", "greater than or equal to 1"),
        ("NEO_PROBE_BUDGET", "inf", "finite"),
        ("NEO_PATIENCE", "ten", "'ten' is not a number"),
        ("NEO_PATIENCE", "10 h", "units ms, s, min"),
        ("NEO_PATIENCE", "0", "greater than 0"),
        ("NEO_API_KEYS", "one,,two", "a key is empty"),
        ("NEO_ADMIN_KEYS", "@nowhere", "nowhere can't be read"),
        ("NEO_MAX_BODY", "10,5 MB", "'10,5 MB' is not a number"),
        ("NEO_MAX_BODY", "0.5", "greater than 0"),
        ("NEO_MAX_PIXELS", "16 MB", "units px, kpx, mpx"),
    ],
)
def test_wrong(environment: pytest.MonkeyPatch, name: str, text: str, what: str) -> None:
    """A wrong setting is one line that names the variable, what is wrong, and an example."""
    environment.setenv(name, text)

    line = complaint()

    assert line.startswith(f"{name} is wrong: ")
    assert what in line
    assert f", e.g. {name}=" in line
    assert "\n" not in line


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


def test_means_without_channels(environment: pytest.MonkeyPatch) -> None:
    """As many means as the model has channels, or one for all of them."""
    environment.setenv("NEO_INPUT_MEAN", "1,2,3")
    environment.setenv("NEO_INPUT_SIZE", "28x28x1")

    assert "NEO_INPUT_MEAN is wrong: 3 numbers for 1 channel" in complaint()


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


def test_keys(environment: pytest.MonkeyPatch) -> None:
    """Keys stand in the variable, or in a file, one a line."""
    Path("keys").write_text("three\nfour\n", encoding="utf-8")
    environment.setenv("NEO_API_KEYS", "one, two")
    environment.setenv("NEO_ADMIN_KEYS", "@keys")

    settings = read_settings()

    assert ["one", "two"] == [key.get_secret_value() for key in settings.api_keys.values]
    assert ["three", "four"] == [key.get_secret_value() for key in settings.admin_keys.values]
    assert (None, Path("keys")) == (settings.api_keys.path, settings.admin_keys.path)


def test_keys_are_read_again(environment: pytest.MonkeyPatch) -> None:
    """A file's keys can be read again; those in the variable stay what they are."""
    Path("keys").write_text("three\n", encoding="utf-8")
    environment.setenv("NEO_API_KEYS", "one")
    environment.setenv("NEO_ADMIN_KEYS", "@keys")
    settings = read_settings()
    Path("keys").write_text("four\nfive\n", encoding="utf-8")

    assert settings.api_keys == settings.api_keys.read_again()
    assert (SecretStr("four"), SecretStr("five")) == settings.admin_keys.read_again().values

    for wrong in ("", "fo ur", "six,,seven"):
        Path("keys").write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match="a key is empty, or has a blank"):
            settings.admin_keys.read_again()


def test_no_secret_is_shown(environment: pytest.MonkeyPatch) -> None:
    """Neither the settings' text nor an error has a key or a password in it."""
    environment.setenv("NEO_UPSTREAM_URL", "http://user:hush@models")
    environment.setenv("NEO_REDIS_URL", "redis://:hush@store")
    environment.setenv("NEO_API_KEYS", "hush")
    environment.setenv("NEO_ADMIN_KEYS", "hush")
    shown = [repr(read_settings()), str(read_settings())]
    environment.setenv("NEO_REDIS_URL", "redis://:hu/hush@store:hush")
    shown.append(complaint())
    environment.setenv("NEO_UPSTREAM_URL", "http//user:hush@models")
    shown.append(complaint())
    environment.setenv("NEO_UPSTREAM_URL", "http://models")
    environment.setenv("NEO_REDIS_URL", "")
    environment.setenv("NEO_API_KEYS", "hush hush")
    shown.append(complaint())

    assert [] == [text for text in shown if "hush" in text]


def test_frozen() -> None:
    """Nobody changes a setting later."""
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().model = "other"  # type: ignore[misc]  # that it is refused is the test


def test_from_arguments() -> None:
    """A program gives values instead of words."""
    settings = Settings(
        input_size=InputShape(28, 28, 1), input_mean=(0.5,), patience=0.5, lambda_t=0.8
    )

    assert InputShape(28, 28, 1) == settings.input_size
    assert ((0.5,), 0.5, 0.8) == (settings.input_mean, settings.patience, settings.lambda_t)


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


def test_import_reads_nothing() -> None:
    """Importing the settings is not reading them, however wrong they are."""
    finished = subprocess.run(
        [sys.executable, "-c", "import app.settings"],
        env={"NEO_UPSTREAM_URL": "wrong", "PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
    )

    assert 0 == finished.returncode
