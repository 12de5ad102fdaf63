"""The settings as others may read them."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from app.settings import KeySetting, NamedKey, Settings, told_settings

SECRET = SecretStr("hush")


def test_no_secret_is_told() -> None:
    """Of what is secret it is told that it is set; passwords in addresses are left out."""
    told = told_settings(
        Settings(
            upstream_url="http://user:hush@models:8000/base",
            upstream_token=SECRET,
            upstream_headers={"X-Secret": SECRET},
            model="signs",
            reference=Path(),
            redis_url=SecretStr("redis://:hush@store"),
            api_keys=KeySetting((NamedKey(SECRET, "shop"), NamedKey(SECRET))),
            webhook_url=SecretStr("https://hooks/hush"),
            labels=("stop", "go"),
            input_mean=(0.5, 0.25, 0.0),
        )
    )
    assert "hush" not in str(told)
    assert {
        "NEO_UPSTREAM_URL": "http://models:8000/base",
        "NEO_UPSTREAM_TOKEN": "(set)",
        "NEO_UPSTREAM_HEADERS": "X-Secret: (set)",
        "NEO_REDIS_URL": "(set)",
        "NEO_API_KEYS": "(2)",
        "NEO_LABELS": "(2 names)",
        "NEO_INPUT_MEAN": "0.5,0.25,0.0",
        "NEO_STRATEGY": "full",
        "NEO_LAMBDA": "0.75",
        "NEO_QUARANTINE_TTL": "30d",
    }.items() <= told.items()
    assert not {"NEO_ADMIN_KEYS", "NEO_QUARANTINE", "NEO_INPUT_SIZE"} & told.keys()
