"""Entries and samples as bytes and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill, Kind, Sign, Term, Trigger
from app.library.records.basics import EncodingError
from app.library.records.encoding import decode_entry, decode_sample, encode_entry, encode_sample
from app.ports import Entry, Restoration
from tests.blended import ALPHA
from tests.detection.blended.worlds import blended_trigger
from tests.library.findings import entry

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

COUNTS = st.integers(0, 2**31 - 1)
SHARES = st.floats(0, 1)
TIMES = st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def boxes(draw: DrawFn, width: int, height: int) -> Box:
    """Draw a box inside an image."""
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Box(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


TERMS = st.builds(Term, st.sampled_from(Sign), st.floats(-50, 50), st.text(max_size=9))


@st.composite
def evidence(draw: DrawFn) -> Evidence:
    """Draw the evidence for a trigger, with and without what wasn't asked."""
    return Evidence(
        carried=draw(COUNTS),
        transplants=draw(st.integers(1, 2**31)),
        placebo=draw(SHARES),
        heal_rate=draw(SHARES),
        probes=draw(COUNTS),
        seed=draw(COUNTS),
        class_b=draw(st.none() | COUNTS),
        necessary=draw(st.booleans()),
        novelty=draw(st.none() | st.floats(0, 1e6)),
        terms=tuple(draw(st.lists(TERMS, max_size=3))),
        assumed=draw(st.booleans()),
    )


@st.composite
def entries(draw: DrawFn) -> Entry:
    """Draw an entry of a trigger in an image of any size."""
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    box = draw(boxes(width, height))
    pieces = draw(st.lists(boxes(width, height), max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    patch = rng.integers(0, 256, (box.height, box.width, draw(st.sampled_from([1, 3]))), np.uint8)
    trigger = Trigger(
        draw(COUNTS),
        draw(st.none() | COUNTS),
        box,
        patch,
        draw(st.sampled_from([None, patch[:, :, 0] > 99])),
        Blocker(draw(boxes(width, height)), draw(st.sampled_from(Fill))),
        draw(SHARES),
        height,
        width,
        draw(evidence()),
        tuple(pieces),
        moves=draw(st.booleans()),
    )
    return Entry(
        draw(st.text()),
        trigger,
        draw(TIMES),
        draw(TIMES),
        draw(COUNTS),
        draw(st.booleans()),
        draw(st.none() | st.builds(Restoration, TIMES, TIMES)),
        draw(st.none() | st.text(max_size=9)),
    )


@given(entries())
def test_an_entry_comes_back_as_it_was(kept: Entry) -> None:
    """Nothing of an entry is lost on the way to bytes and back."""
    back = decode_entry(encode_entry(kept), hits=kept.hits, last_seen_at=kept.last_seen_at)
    assert _facts(kept) == _facts(back)


def test_a_sample_comes_back_as_it_was() -> None:
    """The pixels of a sample keep their shape and their values, whatever view they were."""
    image = np.arange(7 * 9 * 3, dtype=np.uint8).reshape(7, 9, 3)
    np.testing.assert_array_equal(image[1:4, 2:8], decode_sample(encode_sample(image[1:4, 2:8])))


@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers(0, 9) | st.text(),
        lambda more: (
            st.lists(more)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "trigger", "labels", "robust", "pieces", "evidence", "shape", "base64"]
                ),
                more,
            )
        ),
    ).map(orjson.dumps)
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """Bytes that are no entry are an EncodingError and nothing else."""
    with pytest.raises(EncodingError):
        decode_entry(data, hits=0, last_seen_at=None)
    with pytest.raises(EncodingError):
        decode_sample(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 7),
        ("discovered_at", 2**63),
        ("dismissed", 0),
        ("trigger.target", "3"),
        ("trigger.box", [8, 5, 0, 4]),
        ("trigger.box", [8, 5, 5, 4]),  # not the patch's size
        ("trigger.box", [222, 5, 4, 4]),  # not in the image
        ("trigger.blocker.box", [-1, 5, 4, 4]),
        ("trigger.blocker.fill", "paint"),
        ("trigger.natural", None),  # how orjson writes NaN
        ("trigger.patch.base64", "AAAA"),
        ("trigger.patch.base64", "not base64"),
        ("trigger.patch.shape", [4, -1, 3]),
        ("trigger.patch.shape", [4, 4, "3"]),
        ("trigger.mask", {"shape": [2, 2], "base64": "AAEBAA=="}),
        ("trigger.pieces", None),
        ("trigger.pieces", {}),
        ("trigger.pieces", [[0, 0, 2]]),
        ("trigger.pieces", [[0, 0, 2, 0]]),
        ("trigger.pieces", [["0", 0, 2, 2]]),
        ("trigger.pieces", [[8, 5, 2, 2], [223, 5, 2, 2]]),  # the second is not in the image
        ("trigger.pieces", [[-1, 5, 2, 2]]),
        ("trigger.evidence.seed", None),
        ("trigger.evidence.class_b", "1"),
        ("trigger.evidence.class_b", 1.0),
        ("trigger.evidence.necessary", None),
        ("trigger.evidence.necessary", 1),
        ("trigger.evidence.novelty", "new"),
        ("trigger.evidence.novelty", [1.0]),
        ("trigger.evidence.terms", [["carrying", 1.0]]),
        ("trigger.evidence.terms", [["luck", 1.0, "seen"]]),
        ("trigger.evidence.terms", [["carrying", "much", "seen"]]),
    ],
)
def test_one_wrong_field_is_refused(path: str, value: object) -> None:
    """An entry with one field that can't be is refused whole."""
    fields = orjson.loads(encode_entry(entry("one")))
    *parents, name = path.split(".")
    place = fields
    for parent in parents:
        place = place[parent]
    assert name in place
    place[name] = value
    with pytest.raises(EncodingError):
        decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None)


@pytest.mark.parametrize(
    "name", ["class_b", "necessary", "novelty", "seed", "carried", "heal_rate"]
)
def test_evidence_without_a_field_is_refused(name: str) -> None:
    """What an older release has kept without it is no entry."""
    fields = orjson.loads(encode_entry(entry("one")))
    del fields["trigger"]["evidence"][name]
    with pytest.raises(EncodingError):
        decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None)


def test_an_entry_of_before_terms_were_kept() -> None:
    """What an older release has kept has no terms of its sum, and is an entry all the same."""
    fields = orjson.loads(encode_entry(entry("one")))
    del fields["trigger"]["evidence"]["terms"]
    read = decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None)
    assert () == read.trigger.evidence.terms


def test_an_entry_of_before_rates_were_said_to_be_assumed() -> None:
    """What an older release has kept doesn't say so: it is an entry all the same."""
    fields = orjson.loads(encode_entry(entry("one")))
    del fields["trigger"]["evidence"]["assumed"]
    read = decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None)
    assert not read.trigger.evidence.assumed


def test_an_entry_of_before_triggers_moved() -> None:
    """What an older release has kept doesn't say if it moves: it hasn't been seen to."""
    fields = orjson.loads(encode_entry(entry("one")))
    del fields["trigger"]["moves"]
    assert not decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None).trigger.moves


def test_an_outline_is_kept() -> None:
    """By the one image that it was found in; an older release kept none, and none is one, too."""
    known = entry("one")
    own = np.eye(known.trigger.box.height, dtype=bool)
    outlined = replace(known, trigger=replace(known.trigger, outline=own))
    read = decode_entry(encode_entry(outlined), hits=0, last_seen_at=None).trigger.outline
    assert read is not None
    assert own.tolist() == read.tolist()
    fields = orjson.loads(encode_entry(outlined))
    del fields["trigger"]["outline"]
    assert decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None).trigger.outline is None


def test_how_much_of_it_is_mixed_in_is_kept() -> None:
    """Of a blended trigger; of what an older release has written nothing is, of none no share."""
    known = replace(entry("one"), trigger=blended_trigger())
    read = decode_entry(encode_entry(known), hits=0, last_seen_at=None).trigger
    assert (Kind.BLENDED, ALPHA) == (read.kind, read.alpha)
    fields = orjson.loads(encode_entry(known))
    for alpha in (0.0, 1.0, "much", None):
        fields["trigger"]["alpha"] = alpha
        with pytest.raises(EncodingError):
            decode_entry(orjson.dumps(fields), hits=0, last_seen_at=None)
    older = orjson.loads(encode_entry(entry("two")))
    del older["trigger"]["alpha"]
    assert decode_entry(orjson.dumps(older), hits=0, last_seen_at=None).trigger.alpha is None


def test_what_is_mixed_in_at_a_place_is_kept() -> None:
    """With its share, class and pixels: it hides nothing of what is there."""
    box = Box(2, 3, 5, 4)
    whole = blended_trigger()
    placed = replace(whole, box=box, patch=whole.patch[box.rows, box.columns], source=0)
    known = replace(entry("one"), trigger=placed)
    read = decode_entry(encode_entry(known), hits=0, last_seen_at=None).trigger
    assert (box, 0, ALPHA, Kind.BLENDED) == (read.box, read.source, read.alpha, read.kind)
    assert placed.patch.tolist() == read.patch.tolist()
    assert read.mask is None


def test_an_older_release_takes_no_blended_picture_for_a_patch() -> None:
    """It asks for the pixels of a patch by another name, so that it can't read such a record."""
    fields = orjson.loads(encode_entry(replace(entry("one"), trigger=blended_trigger())))
    assert "patch" not in fields["trigger"]
    assert "patch" in orjson.loads(encode_entry(entry("two")))["trigger"]


def test_an_outline_of_another_size_is_refused() -> None:
    """It says which of the box's pixels are the trigger's."""
    known = entry("one")
    wrong = replace(known.trigger, outline=np.ones((2, 2), bool))
    with pytest.raises(EncodingError):
        decode_entry(encode_entry(replace(known, trigger=wrong)), hits=0, last_seen_at=None)


def _facts(kept: Entry) -> dict[str, Any]:
    """Return an entry's values with its arrays as lists, so that they compare."""
    trigger = kept.trigger
    return {
        **vars(kept),
        "trigger": {
            **vars(trigger),
            "patch": (trigger.patch.dtype, trigger.patch.tolist()),
            "mask": trigger.mask
            if trigger.mask is None
            else (trigger.mask.dtype, trigger.mask.tolist()),
        },
    }
