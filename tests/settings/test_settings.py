"""The settings, read from a real environment and real files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.ports import InputSize
from app.settings import (
    FailurePolicy,
    Layout,
    LogFormat,
    LogLevel,
    Mode,
    Protocol,
    Resize,
    SearchMode,
    SecondOpinion,
    Settings,
    Strategy,
    WebhookFormat,
    read_settings,
)
from tests.settings.environment import complaint


def test_defaults() -> None:
    """What isn't set has the value in the contract."""
    settings = read_settings()

    assert {
        "upstream_url": "http://127.0.0.1:8081",
        "upstream_protocol": Protocol.OIP,
        "upstream_token": None,
        "upstream_headers": {},
        "upstream_ca": None,
        "upstream_max_batch": None,
        "upstream_max_body": None,
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
        "mode": Mode.ENFORCE,
        "strategy": Strategy.FULL,
        "trigger_max": 0.316,
        "lambda_t": 0.75,
        "delta_t": 1.0,
        "check_size": 24,
        "search": SearchMode.CONTINUE,
        "second_opinion": SecondOpinion.OFF,
        "second_opinion_fpr": 0.01,
        "probe_budget": None,
        "probe_rate": None,
        "key_probe_rate": None,
        "patience": 10.0,
        "on_failure": FailurePolicy.CLOSED,
        "lockout_after": 0,
        "api_keys": {"values": (), "path": None},
        "admin_keys": {"values": (), "path": None},
        "max_body": 10 * 1024 * 1024,
        "max_pixels": 16_000_000,
        "log_level": LogLevel.INFO,
        "log_format": LogFormat.TEXT,
        "webhook_url": None,
        "webhook_secret": None,
        "webhook_format": WebhookFormat.CLOUDEVENTS,
        "quarantine": None,
        "quarantine_max": 2**30,
        "quarantine_ttl": timedelta(days=30),
    } == settings.model_dump()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("NEO_UPSTREAM_URL", "https://models/a/", "upstream_url", "https://models/a"),
        ("NEO_UPSTREAM_PROTOCOL", "oip", "upstream_protocol", Protocol.OIP),
        ("NEO_UPSTREAM_PROTOCOL", "image", "upstream_protocol", Protocol.IMAGE),
        ("NEO_UPSTREAM_TOKEN", "secret", "upstream_token", SecretStr("secret")),
        ("NEO_UPSTREAM_MAX_BATCH", "1", "upstream_max_batch", 1),
        ("NEO_UPSTREAM_MAX_BODY", "1MiB", "upstream_max_body", 2**20),
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
        ("NEO_INPUT_SIZE", "48", "input_size", InputSize(48, 48, 3)),
        ("NEO_INPUT_SIZE", "48x64", "input_size", InputSize(48, 64, 3)),
        ("NEO_INPUT_SIZE", "48 x 64 X 3", "input_size", InputSize(48, 64, 3)),
        ("NEO_INPUT_LAYOUT", "NCHW", "input_layout", Layout.NCHW),
        ("NEO_INPUT_MEAN", "0.485, 0.456,0.406", "input_mean", (0.485, 0.456, 0.406)),
        ("NEO_INPUT_MEAN", "-1", "input_mean", (-1.0,)),
        ("NEO_INPUT_STD", "255", "input_std", (255.0,)),
        ("NEO_INPUT_SCALE", "0.25", "input_scale", 0.25),
        ("NEO_MODE", "Monitor", "mode", Mode.MONITOR),
        ("NEO_STRATEGY", "paper", "strategy", Strategy.PAPER),
        ("NEO_TRIGGER_MAX", "1", "trigger_max", 1.0),
        ("NEO_LAMBDA", "0.8", "lambda_t", 0.8),
        ("NEO_DELTA", "0", "delta_t", 0.0),
        ("NEO_CHECK_SIZE", "100", "check_size", 100),
        ("NEO_SEARCH", "stop", "search", SearchMode.STOP),
        ("NEO_SECOND_OPINION", "Flag", "second_opinion", SecondOpinion.FLAG),
        ("NEO_SECOND_OPINION_FPR", "1/200", "second_opinion_fpr", 0.005),
        ("NEO_STRATEGY", "Fast", "strategy", Strategy.FAST),
        ("NEO_UPSTREAM_PROTOCOL", "OIP", "upstream_protocol", Protocol.OIP),
        ("NEO_INPUT_LAYOUT", "nchw", "input_layout", Layout.NCHW),
        ("NEO_INPUT_SCALE", "1/255", "input_scale", 1 / 255),
        ("NEO_INPUT_STD", "58.4/255, 57/255,0.2", "input_std", (58.4 / 255, 57 / 255, 0.2)),
        ("NEO_TRIGGER_MAX", "1/4", "trigger_max", 0.25),
        ("NEO_PROBE_BUDGET", "12.5", "probe_budget", 12.5),
        ("NEO_PATIENCE", "2.5", "patience", 2.5),
        ("NEO_QUARANTINE", "s3+x/folder", "quarantine", "s3+x/folder"),
        ("NEO_QUARANTINE", "memory://bucket/a", "quarantine", "memory://bucket/a"),
        ("NEO_QUARANTINE_TTL", "36 h", "quarantine_ttl", timedelta(days=1.5)),
        ("NEO_QUARANTINE_TTL", "7d", "quarantine_ttl", timedelta(days=7)),
        ("NEO_QUARANTINE_TTL", "90", "quarantine_ttl", timedelta(seconds=90)),
        ("NEO_PATIENCE", "10 s", "patience", 10.0),
        ("NEO_PATIENCE", "500ms", "patience", 0.5),
        ("NEO_PATIENCE", "1 min", "patience", 60.0),
        ("NEO_ON_FAILURE", "open", "on_failure", FailurePolicy.OPEN),
        ("NEO_LOCKOUT_AFTER", "3", "lockout_after", 3),
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
        ("NEO_ANSWER", "[*", "not a JMESPath expression"),
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
        ("NEO_INPUT_SCALE", "1/0", "'1/0' is not a number, or one number divided by another"),
        ("NEO_INPUT_MEAN", "1/x", "'1/x' is not one number"),
        ("NEO_REDIS_URL", "http://127.0.0.1", "not a redis://"),
        ("NEO_STRATEGY", "quick", "should be 'full', 'fast', 'paper' or 'off', not 'quick'"),
        ("NEO_TRIGGER_MAX", "1.5", "less than or equal to 1, not '1.5'"),
        ("NEO_LAMBDA", "high", "not 'high'"),
        ("NEO_DELTA", "2", "less than 2"),
        ("NEO_CHECK_SIZE", "0", "greater than or equal to 1"),
        ("NEO_SECOND_OPINION", "on", "should be 'off' or 'flag', not 'on'"),
        ("NEO_SECOND_OPINION_FPR", "0", "greater than 0"),
        ("NEO_SECOND_OPINION_FPR", "1", "less than or equal to 0.1, not '1'"),
        ("NEO_PROBE_BUDGET", "inf", "finite"),
        ("NEO_PATIENCE", "ten", "'ten' is not a number"),
        ("NEO_PATIENCE", "10 h", "units ms, s, min"),
        ("NEO_PATIENCE", "0", "greater than 0"),
        ("NEO_API_KEYS", "one,,two", "a key is empty"),
        ("NEO_QUARANTINE", "nothing://bucket", "nothing:// is no kind of address"),
        ("NEO_QUARANTINE", "ftp://a:b@host/q", "an address with a password"),
        ("NEO_QUARANTINE_TTL", "0 d", "greater than 0"),
        ("NEO_QUARANTINE_TTL", "1 y", "units s, min, h, d"),
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


def test_means_without_channels(environment: pytest.MonkeyPatch) -> None:
    """As many means as the model has channels, or one for all of them."""
    environment.setenv("NEO_INPUT_MEAN", "1,2,3")
    environment.setenv("NEO_INPUT_SIZE", "28x28x1")

    assert "NEO_INPUT_MEAN is wrong: 3 numbers for 1 channel" in complaint()


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
    environment.setenv("NEO_API_KEYS", "hush, hush hush hush")
    shown.append(complaint())

    assert [] == [text for text in shown if "hush" in text]


def test_frozen() -> None:
    """Nobody changes a setting later."""
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().model = "other"  # type: ignore[misc]  # that it is refused is the test


def test_from_arguments() -> None:
    """A program gives values instead of words."""
    settings = Settings(
        input_size=InputSize(28, 28, 1), input_mean=(0.5,), patience=0.5, lambda_t=0.8
    )

    assert InputSize(28, 28, 1) == settings.input_size
    assert ((0.5,), 0.5, 0.8) == (settings.input_mean, settings.patience, settings.lambda_t)
