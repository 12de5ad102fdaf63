"""What a store's answers say; what can't be read is logged and left out."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from app.library.records.encoding import EncodingError, decode_entry, decode_sample
from app.logs import told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.ports import Entry, Samples

logger = logging.getLogger(__name__)


class Entries:
    """It remembers what it has decoded: of a full library one entry changes at a time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, Entry]] = {}

    def decoded(
        self, triggers: Mapping[str, bytes], hits: Mapping[str, int], seen: Mapping[str, datetime]
    ) -> dict[str, Entry]:
        """Return the entries in *triggers* by their ids, with their *hits* and last times."""
        self._known = {
            name: known
            for name, data in triggers.items()
            if (known := self._read(name, data)) is not None
        }
        return {
            entry.id: replace(
                entry,
                hits=hits.get(name, 0),
                last_seen_at=seen.get(name, entry.discovered_at),
            )
            for name, (_, entry) in self._known.items()
        }

    def _read(self, name: str, data: bytes) -> tuple[bytes, Entry] | None:
        known = self._known.get(name)
        if known is not None and known[0] == data:
            return known
        try:
            return data, decode_entry(data, hits=0, last_seen_at=None)
        except EncodingError as exc:
            logger.warning("trigger %s in the library is left out: %s", name, told(exc))
            return None


def decoded_samples(encoded: Sequence[bytes]) -> Samples:
    """Return the samples that *encoded* holds."""
    samples = []
    for data in encoded:
        try:
            samples.append(decode_sample(data))
        except EncodingError as exc:
            logger.warning("a sample in the library is left out: %s", told(exc))
    return tuple(samples)
