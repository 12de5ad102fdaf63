"""The names under which one model's knowledge lies in Redis: ``neo:{<model>}:v1:<what>``.

Beside them ``neo:{<model>}:schema`` says which of the versions is in use.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

SCHEMA_VERSION = 1
"""Raised when what lies under the keys, or its encoding, changes; see the rules of this package."""

RATES_VERSION = 2
"""Of the placebo rates alone: raised when older ones mustn't be used any more.

Of 1 are those of releases that asked for them with numbers out of a caller's tensor.
"""

SEED_BITS = 63
"""Of the deployment's secret."""


class KeptKeys(NamedTuple):
    """Where suspects lie: their records, when each was seen, and by whom."""

    records: str
    seen: str
    callers: str


class Keys:
    """The keys of *model*.

    The braces are a hash tag: a cluster keeps all keys of a model in one slot, so that a script may
    touch several. The model's name is percent-encoded, so no name can leave its braces or be taken
    for another one.
    """

    def __init__(self, model: str) -> None:
        # A lone "%" is the encoding of no name, and an empty hash tag would be none.
        whole = f"neo:{{{_escaped(model) or '%'}}}"
        self.schema = f"{whole}:schema"
        self._prefix = f"{whole}:v{SCHEMA_VERSION}"
        self.version = f"{self._prefix}:version"
        self.triggers = f"{self._prefix}:triggers"
        self.hits = f"{self._prefix}:hits"
        self.seen = f"{self._prefix}:seen"
        self.samples = f"{self._prefix}:samples"
        self.callers = f"{self._prefix}:callers"
        self.expired = f"{self._prefix}:expired"
        self.tally = f"{self._prefix}:tally"
        self.seed = f"{self._prefix}:seed"
        self.incidents = f"{self._prefix}:incidents"
        self.incident_records = f"{self._prefix}:incident_records"
        self.acts = f"{self._prefix}:acts"
        self.news = f"{self._prefix}:news"
        self.events = f"{self._prefix}:events"
        self.sightings = f"{self._prefix}:sightings"
        self.suspects = self._kept("suspects")
        self.flagged = self._kept("flagged")
        self.sent_until = f"{self._prefix}:sent-until"

    def _kept(self, what: str) -> KeptKeys:
        name = f"{self._prefix}:{what}"
        return KeptKeys(name, f"{name}_seen", f"{name}_callers")

    def minute(self, number: int) -> str:
        """Return where what was answered in a minute lies, counted since 1970."""
        return f"{self._prefix}:minute:{number}"

    def calibration(self, key: str) -> str:
        """Return where the calibration *key* lies."""
        return f"{self._prefix}:calibration:{_escaped(key)}"

    def lease(self, key: str) -> str:
        """Return where the right to do *key* alone lies: to measure a calibration, to send."""
        return f"{self._prefix}:lease:{_escaped(key)}"

    def placebo_rates(self, key: str) -> str:
        """Return where the placebo rates *key* lie."""
        return f"{self._prefix}:placebo{RATES_VERSION}:{_escaped(key)}"


def _escaped(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")
