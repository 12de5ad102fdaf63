"""The settings: one frozen value, read once in an entry point and passed on as plain arguments.

`read_settings` is the only door to the environment; importing this package reads nothing. It raises
`SettingError`, whose text is the one line that the owner gets to see.
"""

from app.settings.api_keys import KeySetting, NamedKey
from app.settings.choices import (
    FailurePolicy,
    Layout,
    LogFormat,
    LogLevel,
    Mode,
    Protocol,
    Resize,
    SearchMode,
    SecondOpinion,
    Strategy,
    WebhookFormat,
)
from app.settings.model_input import InputSettings, Normalisation
from app.settings.reading import SettingError, read_settings
from app.settings.settings import Settings
from app.settings.telling import told_settings

__all__ = [
    "FailurePolicy",
    "InputSettings",
    "KeySetting",
    "Layout",
    "LogFormat",
    "LogLevel",
    "Mode",
    "NamedKey",
    "Normalisation",
    "Protocol",
    "Resize",
    "SearchMode",
    "SecondOpinion",
    "SettingError",
    "Settings",
    "Strategy",
    "WebhookFormat",
    "read_settings",
    "told_settings",
]
