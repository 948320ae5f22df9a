"""Rows of a Parquet file, a few at a time."""

from collections.abc import Iterator
from typing import Any

from grmkit.errors import DataError

MAX_BATCH_ROWS = 256
MAX_BATCH_BYTES = 16 << 20
BUFFER_BYTES = 1 << 20


def parquet_rows(path: str) -> Iterator[tuple[int, Any]]:
    """One-row record batches with their numbers from 1; `parse_batch` reads them.

    Raises:
        DataError: If the file is not Parquet or is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_rows_per_batch(file.metadata)):
                for offset in range(batch.num_rows):
                    number += 1
                    yield number, batch.slice(offset, 1)
    except (pa.ArrowException, OSError) as error:
        where = f"past row {number}" if number else "as Parquet"
        raise DataError(f"{path}: cannot be read {where}: {error}") from error


def parse_batch(batch: Any) -> dict[str, Any]:
    """The only row of a one-row batch, as plain values.

    Raises:
        ValueError: If a text column holds bytes that are not UTF-8.
    """
    try:
        return batch.to_pylist()[0]
    except UnicodeDecodeError as error:
        raise ValueError(f"a text column holds byte 0x{error.object[error.start]:02x}; expected UTF-8 text") from None


def _rows_per_batch(metadata: Any) -> int:
    """As many rows as fit the batch by their mean size, so that files of very long responses stay in memory."""
    num_bytes = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    fitting = MAX_BATCH_BYTES * metadata.num_rows // max(num_bytes, 1)
    return min(max(fitting, 1), MAX_BATCH_ROWS)
