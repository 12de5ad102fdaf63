"""Calibrations as bytes and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.reference_set.opinion import Opinion
from app.detection.reference_set.references import Calibration
from app.library.records.basics import EncodingError
from app.library.records.calibration_encoding import decode_calibration, encode_calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = st.lists(st.integers(-(2**63) + 1, 2**63 - 1)).map(lambda n: np.array(n, np.int64))
ORDERS = st.tuples(st.integers(1, 4), st.integers(0, 4)).map(
    lambda shape: np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape)
)
SCORES = st.lists(
    st.tuples(*[st.floats(width=32, allow_nan=False, allow_infinity=False)] * 3), min_size=1
).map(lambda rows: np.array(rows, np.float32))


@given(LABELS, ORDERS | st.just(np.zeros((0, 0), np.int64)), st.none() | SCORES)
def test_a_calibration_comes_back_as_it_was(
    labels: NDArray[np.int64], robust: NDArray[np.int64], scores: NDArray[np.float32] | None
) -> None:
    """Nothing of a calibration is lost on the way to bytes and back; without bands nor is that."""
    encoded = encode_calibration(Calibration(labels, robust, scores))
    back = decode_calibration(encoded)
    assert encoded == encode_calibration(back)
    if scores is None or back.canary_scores is None:
        assert scores is back.canary_scores
    else:
        np.testing.assert_array_equal(scores, back.canary_scores, strict=True)
    assert (labels.tolist(), "int64") == (back.labels.tolist(), str(back.labels.dtype))
    assert (robust.shape, "int64") == (back.robust.shape, str(back.robust.dtype))
    assert robust.tolist() == back.robust.tolist()


def _calibration() -> Calibration:
    opinion = Opinion(
        np.array([3, 1]),
        np.array([[0, 0.25], [7, 0.5]], np.float32),
        np.array([2.5, 0.125, -1.5], np.float32),
    )
    return Calibration(np.array([0, 7]), np.zeros((0, 0), np.int64), None, opinion)


def test_a_second_opinion_comes_back_as_it_was() -> None:
    """Nothing of it is lost; where there is none, or an older release kept it, there is none."""
    back = decode_calibration(encode_calibration(_calibration())).opinion
    assert back is not None
    assert ([3, 1], [2.5, 0.125, -1.5]) == (back.onto.tolist(), back.sums.tolist())
    assert [[0, 0.25], [7, 0.5]] == back.rates.tolist()
    assert decode_calibration('{"labels":[],"robust":[],"canary_scores":null}').opinion is None


@pytest.mark.parametrize("damage", [{"onto": [0.5]}, {"rates": None}, {"sums": ["a"]}, {"sums": 1}])
def test_a_damaged_second_opinion_is_refused(damage: dict[str, object]) -> None:
    """Nothing else is read as one."""
    fields = orjson.loads(encode_calibration(_calibration()))
    fields["opinion"] |= damage
    with pytest.raises(EncodingError):
        decode_calibration(orjson.dumps(fields))


@pytest.mark.parametrize(
    "orders", ["[1]", "[[1], [1, 2]]", "[[1.0]]", "{}", "null", '{"small": [[1]]}']
)
def test_the_references_of_each_band_are_as_many(orders: str) -> None:
    """A calibration whose orders aren't one table of whole numbers is refused."""
    with pytest.raises(EncodingError):
        decode_calibration(f'{{"labels": [1], "robust": {orders}}}')


@pytest.mark.parametrize("labels", ["[1.0]", "[true]", "[9223372036854775808]", "{}", "null"])
def test_labels_are_whole_numbers(labels: str) -> None:
    """A calibration whose labels aren't 64-bit numbers is refused."""
    with pytest.raises(EncodingError):
        decode_calibration(f'{{"labels": {labels}, "robust": []}}')
