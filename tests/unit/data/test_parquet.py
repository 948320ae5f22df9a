from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grmkit.data.parquet import MAX_BATCH_BYTES, MAX_BATCH_ROWS, parquet_rows, parse_batch
from grmkit.errors import DataError


def test_rows_come_one_by_one_across_batches_and_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    num_rows = 2 * MAX_BATCH_ROWS + 3
    pq.write_table(pa.table({"n": range(num_rows), "s": [["a"]] * num_rows}), path, row_group_size=100)
    rows = [(number, parse_batch(batch)) for number, batch in parquet_rows(str(path))]
    assert rows == [(n + 1, {"n": n, "s": ["a"]}) for n in range(num_rows)]


def test_batches_of_long_rows_are_short(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"s": [str(n) * (MAX_BATCH_BYTES // 4) for n in range(9)]}), path, use_dictionary=False)
    sizes = {batch.get_total_buffer_size() for _, batch in parquet_rows(str(path))}
    assert max(sizes) <= 2 * MAX_BATCH_BYTES


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"query": "Q"}\n', b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_what_is_not_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.parquet: cannot be read as Parquet: "):
        list(parquet_rows(str(path)))


def test_a_damaged_page_says_how_far_it_went(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    texts = [f"{n:08d}" * 50 for n in range(2000)]
    pq.write_table(pa.table({"s": texts}), path, row_group_size=1000, compression="gzip", use_dictionary=False)
    start = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.parquet: cannot be read past row \d+: "):
        list(parquet_rows(str(path)))


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    latin = pa.array([b"fine", b"caf\xe9"]).view(pa.string())
    pq.write_table(pa.table({"s": latin}), path)
    first, second = [batch for _, batch in parquet_rows(str(path))]
    assert parse_batch(first) == {"s": "fine"}
    with pytest.raises(ValueError, match="a text column holds byte 0xe9; expected UTF-8 text"):
        parse_batch(second)
