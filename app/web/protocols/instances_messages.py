"""Requests of `instances` or of `inputs`, read; their predictions or outputs, to be written.

Rows (`instances`) are a list, of which each item may stand under the input's name. Columns
(`inputs`) are the same list, which may as a whole stand under it. Numbers are a batch; a picture
file is `{"b64": …}`, Vertex's `{"content": …, "mimeType": …}`, or a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.web.protocols.signatures import SIGNATURE
from app.wire import nested
from app.wire.fields import WireError, json_object
from app.wire.file_texts import FileTextError, file_of
from app.wire.lists import array_of
from app.wire.selection import Selection, selection
from app.wire.structure import check_structure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

ROWS: Final = "instances"
COLUMNS: Final = "inputs"
SAID: Final = {ROWS: "predictions", COLUMNS: "outputs"}
"""Under which the answer is, by what was asked with."""

VERTEX: Final = {"content", "mimeType"}
"""Members of a picture file for Vertex; the file says itself what it is."""

_WANTED: Final = 'images must be numbers in one shape, or all {"b64": "<base64 of a picture>"}'


@dataclass(frozen=True, eq=False)
class Asked:
    """The images of a request, files or numbers; they came under ``key``, with a selection.

    ``names`` are those that it calls the input by.
    """

    key: str
    images: list[bytes] | NDArray[Any]
    selection: Selection | None = None
    names: frozenset[str] = frozenset()


def read_instances(body: bytes, version: str | None = None, label: str | None = None) -> Asked:
    """Read a request for a *version* of the model, or for its *label*. Raises WireError."""
    for key in SAID:
        numbers = nested.numbers(body, key)
        if numbers is not None:
            return Asked(key, numbers, selection({}, version=version, label=label))
    check_structure(body)
    members = dict(json_object(body))
    if ROWS in members and COLUMNS in members:
        message = f"either {ROWS} or {COLUMNS} are taken, and both came"
        raise WireError(message)
    key = COLUMNS if COLUMNS in members else ROWS
    if members.get("signature_name") == SIGNATURE:  # as without it: it selects nothing
        del members["signature_name"]
    given = members.pop(key, None)
    names: set[str] = set()
    if key == COLUMNS and isinstance(given, dict):
        given = _named(given, names)
    images = _images(given, names)
    chosen = selection(members, version=version, label=label)
    return Asked(key, images, chosen, frozenset(names))


def check_names(asked: Asked, known: Collection[str]) -> None:
    """Return if the input is called by *known* names alone. Raises WireError."""
    for name in sorted(asked.names.difference(known)):
        message = f"there is no input {name[:40]!r}; there is {', '.join(sorted(known))[:200]}"
        raise WireError(message, repr(name[:40]))


def answer(key: str, outputs: Mapping[str, NDArray[Any]]) -> dict[str, object]:
    """Return *outputs* by name, each (n, ...), as who has asked with *key* reads them.

    Of one output the values; of several an object for each image, or of them in columns.
    """
    columns = {name: _values(values) for name, values in outputs.items()}
    if len(columns) == 1:
        (said,) = columns.values()
        return {SAID[key]: said}
    if key == COLUMNS:
        return {SAID[key]: columns}
    count = len(next(iter(outputs.values()), ()))
    each = [{name: values[i] for name, values in columns.items()} for i in range(count)]
    return {SAID[key]: each}


def _images(given: object, names: set[str]) -> list[bytes] | NDArray[Any]:
    if not isinstance(given, list) or not given:
        message = (
            'the JSON must be {"instances": [...]} or {"inputs": [...]}, with an image or more'
        )
        raise WireError(message)
    rows = [_bare(row, names) for row in given]
    if all(isinstance(row, bytes) for row in rows):
        return rows
    try:
        values = array_of(rows)
    except WireError as exc:
        message = f"{_WANTED}: {exc}"
        raise WireError(message) from exc
    if values.dtype.kind not in "iuf":
        raise WireError(_WANTED)
    return values


def _bare(row: object, names: set[str]) -> Any:  # noqa: ANN401  # whatever JSON is there
    """Return what *row* has without the input's name, which *names* gets: of a file its bytes."""
    while isinstance(row, dict):
        row = row["content"] if set(row) == VERTEX else _named(row, names)
    return _file(row) if isinstance(row, str) else row


def _named(named: Mapping[str, Any], names: set[str]) -> Any:  # noqa: ANN401  # as above
    """Return the one member of *named*; its name goes to *names*, but for a picture file's.

    Under which name the text of a file stands (`b64`, `image`, …) is no server's business. Raises
    WireError.
    """
    if len(named) != 1:
        shown = ", ".join(named)[:80]
        message = f"exactly one input is taken, images; {len(named)} came: {shown}"
        raise WireError(message)
    ((called, value),) = named.items()
    if not isinstance(value, str):
        names.add(called)
    return value


def _file(text: str) -> bytes:
    try:
        return file_of(text)
    except FileTextError as exc:
        message = "an instance's b64 is not base64"
        raise WireError(message) from exc


def _values(values: NDArray[Any]) -> Any:  # noqa: ANN401  # an array, or a list of JSON values
    if values.dtype.kind != "O":
        return np.ascontiguousarray(values)
    return [one.decode(errors="replace") if isinstance(one, bytes) else one for one in values]
