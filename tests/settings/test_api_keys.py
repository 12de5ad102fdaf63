"""Keys in the variable, or in a file that may change."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import KeySetting, NamedKey, read_settings


def test_keys(environment: pytest.MonkeyPatch) -> None:
    """Keys stand in the variable, or in a file, one a line."""
    Path("keys").write_text("three\nfour\n", encoding="utf-8")
    environment.setenv("NEO_API_KEYS", "one, two")
    environment.setenv("NEO_ADMIN_KEYS", "@keys")

    settings = read_settings()

    assert ["one", "two"] == [key.secret.get_secret_value() for key in settings.api_keys.values]
    assert ["three", "four"] == [
        key.secret.get_secret_value() for key in settings.admin_keys.values
    ]
    assert (None, Path("keys")) == (settings.api_keys.path, settings.admin_keys.path)


def test_keys_are_read_again(environment: pytest.MonkeyPatch) -> None:
    """A file's keys can be read again; those in the variable stay what they are."""
    Path("keys").write_text("three\n", encoding="utf-8")
    environment.setenv("NEO_API_KEYS", "one")
    environment.setenv("NEO_ADMIN_KEYS", "@keys")
    settings = read_settings()
    Path("keys").write_text("four\nfive\n", encoding="utf-8")

    assert settings.api_keys == settings.api_keys.read_again()
    four, five = NamedKey(SecretStr("four")), NamedKey(SecretStr("five"))
    assert (four, five) == settings.admin_keys.read_again().values

    for wrong in ("", "f o ur", "six,,seven", "a/b eight", "nine\u00a0ten", f"{'ä' * 33} x"):
        Path("keys").write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match="a key is empty, or has a character"):
            settings.admin_keys.read_again()


def test_keys_have_names(environment: pytest.MonkeyPatch) -> None:
    """What stands before a key, with a blank between them, is its name; in a file as well."""
    Path("keys").write_text("ops-team four\nfive\n", encoding="utf-8")
    environment.setenv("NEO_API_KEYS", "shop  one, shop two,three")
    environment.setenv("NEO_ADMIN_KEYS", "@keys")
    settings = read_settings()

    def named(setting: KeySetting) -> list[tuple[str | None, str]]:
        return [(key.name, key.secret.get_secret_value()) for key in setting.values]

    assert [("shop", "one"), ("shop", "two"), (None, "three")] == named(settings.api_keys)
    assert [("ops-team", "four"), (None, "five")] == named(settings.admin_keys)
