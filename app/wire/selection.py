"""What a request selects of what its model server computes, beside the images themselves.

A signature, parameters (of the request, its input, its outputs), a version: the server gets them
with the image and with all of its probes, in the request's own words. What only says how a tensor
travels is read and written anew by the gateway, and selects nothing. What would tie requests to one
another, or to memory of the server's, can't be passed on, and is refused by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.wire.fields import WireError, parameters

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.wire.fields import Fields

MOST_BYTES: Final = 4096
"""Of JSON: it is sent again with each probe."""

TRANSPORT: Final = frozenset(
    {"binary_data", "binary_data_output", "binary_data_size", "classification"}
)
"""Parameters that say how tensors travel, or what the gateway itself makes of the scores."""

REFUSED: Final = ("sequence_", "shared_memory_")
"""How parameters begin that tie requests to one another, or to the server's memory."""


@dataclass(frozen=True)
class Selection:
    """Version or its label, and as JSON objects further members of the request, of its input."""

    version: str | None = None
    label: str | None = None
    members: bytes = b""
    of_input: bytes = b""
    of_outputs: tuple[tuple[str, bytes], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What is selected, by the names of the request's own members."""
        found = ["version"] * (self.version is not None) + ["label"] * (self.label is not None)
        found += list(loaded(self.members))
        found += ["the input's parameters"] * bool(self.of_input)
        return (*found, *["an output's parameters"] * bool(self.of_outputs))


NOTHING: Final = Selection()


def selection(
    members: Fields,
    of_input: Fields | None = None,
    outputs: Collection[Fields] = (),
    *,
    version: str | None = None,
    label: str | None = None,
) -> Selection | None:
    """Return what a request with these further *members* selects, None if that is nothing.

    *of_input* are its input's parameters, *outputs* those that it names. Raises WireError.
    """
    told = dict(members)
    if "parameters" in told:
        told["parameters"] = _selecting(parameters(told))
    told = {name: value for name, value in told.items() if value not in (None, {}, "")}
    chosen = [(one, _selecting(parameters(one))) for one in outputs if "parameters" in one]
    each = tuple((str(one.get("name")), _dumped(some)) for one, some in chosen if some)
    own = _selecting(of_input or {})
    if not (told or own or each or version or label):
        return None
    found = Selection(version, label, _dumped(told), _dumped(own), each)
    size = len(found.members) + len(found.of_input) + sum(len(one) for _, one in found.of_outputs)
    if size > MOST_BYTES:
        message = f"{', '.join(found.names)[:80]}: more than {MOST_BYTES} bytes beside the images"
        raise WireError(message)
    return found


def loaded(members: bytes) -> dict[str, Any]:
    """Return the JSON object *members*."""
    found: dict[str, Any] = orjson.loads(members or b"{}")
    return found


def beside_content_type(chosen: Selection) -> bytes:
    """Return the input's parameters for a server that gets no such tensor.

    A content type says how the tensor is read, and the gateway has read it.
    """
    told = loaded(chosen.of_input)
    told.pop("content_type", None)
    return _dumped(told)


def _selecting(told: Fields) -> dict[str, Any]:
    """Return those of the parameters *told* that select something. Raises WireError."""
    for name in told:
        if name.startswith(REFUSED):
            message = f"the parameter {name[:40]!r} can't be passed on to the model server"
            raise WireError(message)
    return {name: value for name, value in told.items() if name not in TRANSPORT}


def _dumped(told: Mapping[str, Any]) -> bytes:
    if not told:
        return b""
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        message = f"{', '.join(told)[:80]}: it can't be passed on to the model server"
        raise WireError(message) from exc
