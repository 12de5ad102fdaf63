"""Calibrations as bytes and back; decoding takes nothing on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.detection.reference_set.opinion import Opinion
from app.detection.reference_set.references import Calibration
from app.library.records.basics import EncodingError, parsed

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode_calibration(calibration: Calibration) -> bytes:
    """Return *calibration* as bytes."""
    scores, opinion = calibration.canary_scores, calibration.opinion
    return orjson.dumps(
        {
            "labels": calibration.labels.tolist(),
            "robust": calibration.robust.tolist(),
            "canary_scores": None if scores is None else scores.tolist(),
            "opinion": None if opinion is None else _opinion_fields(opinion),
        }
    )


def decode_calibration(data: bytes | str) -> Calibration:
    """Return the calibration in *data*. Raises EncodingError."""
    match fields := parsed(data):
        case {"labels": labels, "robust": robust, "canary_scores": scores}:
            return Calibration(
                _whole_numbers(labels),
                _whole_number_rows(robust),
                None if scores is None else _number_rows(scores),
                _opinion(fields),
            )
        case _:
            raise EncodingError(what="calibration")


def _opinion_fields(opinion: Opinion) -> dict[str, Any]:
    return {
        "onto": opinion.onto.tolist(),
        "rates": opinion.rates.tolist(),
        "sums": opinion.sums.tolist(),
    }


def _opinion(calibration: object) -> Opinion | None:
    match calibration:
        case {"opinion": {"onto": onto, "rates": rates, "sums": [*sums]}}:
            return Opinion(_whole_numbers(onto), _number_rows(rates), _number_rows([sums])[0])
        case {"opinion": other} if other is not None:
            raise EncodingError(what="second opinion")
        case _:  # there was to be none, or an older release didn't know it
            return None


def _whole_numbers(values: object) -> NDArray[np.int64]:
    match values:
        case [*numbers] if all(type(n) is int and abs(n) < 2**63 for n in numbers):
            return np.array(numbers, np.int64)
        case _:
            raise EncodingError(what="list of whole numbers")


def _whole_number_rows(rows: object) -> NDArray[np.int64]:
    match rows:
        case []:
            return np.zeros((0, 0), np.int64)
        case [first, *others]:
            table = [_whole_numbers(row) for row in (first, *others)]
            if len({len(row) for row in table}) > 1:
                raise EncodingError(what="table of whole numbers")
            return np.stack(table)
        case _:
            raise EncodingError(what="table of whole numbers")


def _number_rows(rows: object) -> NDArray[np.float32]:
    try:
        numbers = np.array(rows, np.float32)
    except (TypeError, ValueError) as exc:
        raise EncodingError(what="table of numbers") from exc
    if numbers.ndim != 2 or not np.isfinite(numbers).all():  # noqa: PLR2004  # rows and columns
        raise EncodingError(what="table of numbers")
    return numbers
