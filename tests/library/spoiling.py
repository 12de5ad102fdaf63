"""Every value of a record, spoilt one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator


def paths(fields: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value in *fields*."""
    places = fields.items() if isinstance(fields, dict) else enumerate(fields)
    for place, value in places:
        yield (*above, place)
        if isinstance(value, dict | list):
            yield from paths(value, (*above, place))


def spoilt(data: bytes, path: tuple[Any, ...], value: object) -> Any:
    """Return what the JSON *data* says, with *value* at *path*."""
    fields = orjson.loads(data)
    place = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return fields
