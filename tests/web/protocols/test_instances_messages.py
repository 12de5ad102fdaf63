"""Rows and columns: what a request holds, and in which form it is answered."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from app.web.protocols.instances_messages import answer, read_instances
from app.wire.selection import Selection

OUTPUTS = {"a": np.array([[1.0], [2.0]]), "b": np.array([3, 4])}


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("instances", [[1, 2], [3, 4]]),
        ("instances", [{"x": [1, 2]}, {"x": [3, 4]}]),
        ("inputs", [[1, 2], [3, 4]]),
        ("inputs", {"x": [[1, 2], [3, 4]]}),
        ("inputs", [{"x": [1, 2]}, {"x": [3, 4]}]),
    ],
)
def test_rows_and_columns_are_the_same_numbers(key: str, given: object) -> None:
    """With the input's name or without, in rows or in columns: it is one batch."""
    for more in ({}, {"signature_name": "other"}):
        asked = read_instances(orjson.dumps({key: given, **more}))
        assert (key, [[1, 2], [3, 4]]) == (asked.key, np.asarray(asked.images).tolist())
        assert bool(more) is (asked.selection is not None)


def test_the_usual_signature_selects_nothing() -> None:
    """The one that is meant without a name may be named: a server that has no such thing, too."""
    for name, selects in (("serving_default", False), ("other", True), ("", False)):
        asked = read_instances(orjson.dumps({"signature_name": name, "instances": [1]}))
        assert selects is (asked.selection is not None)


def test_names_of_the_input() -> None:
    """Each name of a tensor counts, in rows or as a column; those of a picture's text don't."""
    file = {"b64": "AAAA"}
    for given in ([{"x": [1]}, {"y": [1]}], [{"x": file}, {"y": file}], {"x": [{"y": [1]}]}):
        key = "inputs" if isinstance(given, dict) else "instances"
        assert {"x", "y"} == read_instances(orjson.dumps({key: given})).names
    plain = [[1], [file], [{"image": "AAAA"}], [{"content": "AAAA", "mimeType": "image/png"}]]
    asked = [read_instances(orjson.dumps({"instances": given})) for given in plain]
    assert [frozenset()] * 4 == [one.names for one in asked]


@pytest.mark.parametrize("text", ["-_8", "+/8=", " +/\n8=\n", "data:image/png;base64,+/8="])
def test_picture_files_in_each_form_of_base64(text: str) -> None:
    """Of the other alphabet, unpadded, in lines or in a data URL it is the same file."""
    asked = read_instances(orjson.dumps({"instances": [{"b64": text}, text]}))
    assert [b"\xfb\xff"] * 2 == asked.images


def test_version_of_plain_numbers() -> None:
    """The quick way of reading numbers keeps what the path selects."""
    asked = read_instances(b'{"instances": [1]}', version="3")
    assert Selection(version="3") == asked.selection


def test_answers() -> None:
    """Rows are answered by an object each, columns by the outputs' names, one output by itself."""
    rows = answer("instances", OUTPUTS)["predictions"]
    assert [{"a": [1.0], "b": 3}, {"a": [2.0], "b": 4}] == _plain(rows)
    assert {"a": [[1.0], [2.0]], "b": [3, 4]} == _plain(answer("inputs", OUTPUTS)["outputs"])
    one = {"a": OUTPUTS["a"]}
    assert [[1.0], [2.0]] == _plain(answer("instances", one)["predictions"])
    assert [[1.0], [2.0]] == _plain(answer("inputs", one)["outputs"])


def _plain(value: object) -> object:
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
