"""Rows as a Parquet file."""

from __future__ import annotations

from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_AT_ONCE: Final = 10_000
"""Of a row group: what is in memory at once."""


def write_parquet(told: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    """Write flat rows. Raises ModuleNotFoundError without the extra."""
    import pyarrow as pa  # noqa: PLC0415  # an extra, and slow to load
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

    said = [
        (f"{name}{part}", kind)
        for name in ("prediction", "sanitised_prediction")
        for part, kind in (("", pa.int64()), ("_label", pa.string()), ("_score", pa.float64()))
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("path", "sha256", "verdict", "screening")),
            *said,
            *((name, pa.string()) for name in ("trigger", "evidence")),
            ("inferences", pa.int64()),
            ("reason", pa.string()),
            ("modified", pa.timestamp("s", "UTC")),
        ]
    )
    with ParquetWriter(file, schema) as writer:
        while rows := list(islice(told, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(rows, schema))
