"""Which scan a state file is of: another model or other settings can't go on with it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from app.scan.state.file import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.scan.state.state import State

_FACT = "identity"


def check_identity(state: State, told: Mapping[str, object], name: str) -> None:
    """Return if *state*, the file *name*, is of a scan that was *told* the same; keep that.

    Only digests are kept: an address may hold a password. Raises StateError.
    """
    mine = {what: _digest(repr(value)) for what, value in told.items()}
    kept = state.fact(_FACT)
    if kept is None:
        state.keep_facts({_FACT: orjson.dumps(mine)})
        return
    theirs = orjson.loads(kept)
    others = [what for what, digest in mine.items() if theirs.get(what) != digest]
    if others:
        message = (
            f"{name}: {' and '.join(others)} changed since the scan in it began: --restart begins"
            " anew, or give another --output"
        )
        raise StateError(message)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
