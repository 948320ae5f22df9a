import gzip
import io
from contextlib import nullcontext
from pathlib import Path

import pytest

from grmkit.data.jsonl import numbered_lines, parse_line
from grmkit.errors import DataError


def lines_of(data: bytes) -> list[tuple[int, bytes]]:
    return list(numbered_lines(lambda: nullcontext(io.BytesIO(data)), "data.jsonl"))


def test_blank_lines_are_counted_but_not_given() -> None:
    assert lines_of(b"{}\n\n \r\n[]") == [(1, b"{}\n"), (4, b"[]")]


def test_a_byte_order_mark_is_dropped() -> None:
    assert lines_of(b"\xef\xbb\xbf{}\n") == [(1, b"{}\n")]
    assert lines_of(b"\xef\xbb\xbf") == []


def test_a_truncated_gzip_file_says_how_far_it_went(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl.gz"
    whole = gzip.compress(b'{"a": 1}\n' * 5)
    path.write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"^data: the gzip file ends early, after line \d; fetch it again$"):
        list(numbered_lines(lambda: gzip.GzipFile(path, "rb"), "data"))


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl.gz"
    whole = bytearray(gzip.compress(b'{"a": 1}\n' * 5))
    whole[12:20] = b"\xff" * 8
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"^data: cannot be read: "):
        list(numbered_lines(lambda: gzip.GzipFile(path, "rb"), "data"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": "caf\xe9"}', "^byte 11 of the line is 0xe9, which is not UTF-8; expected UTF-8 text$"),
        (
            b'{"query": "Q", }',
            r"^not JSON at column 14 \(trailing comma is not allowed\); expected one JSON object per line$",
        ),
        (b'{"query": "Q"', "^not JSON at column 14 "),
        (b'{"a": NaN}', "^not JSON at column 7 .*NaN and Infinity are not JSON"),
        (b'{"a": Infinity}', "^not JSON at column 7 .*NaN and Infinity are not JSON"),
        (b'{"a": -Infinity}', "^not JSON at column 8 .*NaN and Infinity are not JSON"),
        (b'{"a": 1e999}', "^not JSON at column 7 .*infinity"),
        (b'{"a": "\\ud800"}', "^not JSON at column 8 .*surrogate"),
        (b'{"query": "Q", "query": "R"}', "^field 'query' is given twice; expected each field once$"),
        (b"\x1f\x8b\x08\x00", "^holds gzip data; expected text: name the file .jsonl.gz, or unpack it first$"),
    ],
)
def test_what_is_not_strict_json_is_refused(line: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_line(line)


def test_a_field_inside_another_may_have_the_same_name() -> None:
    line = b'{"query": "Q", "meta": {"query": "R", "key": "query"}}'
    assert parse_line(line) == {"query": "Q", "meta": {"query": "R", "key": "query"}}


def test_a_field_given_twice_is_found_in_a_wide_row() -> None:
    fields = ",".join(f'"f{n}": 1' for n in [*range(50), 7])
    with pytest.raises(ValueError, match="field 'f7' is given twice"):
        parse_line(f"{{{fields}}}".encode())


def test_rows_need_not_be_objects_here() -> None:
    assert parse_line(b"[1]\n") == [1]
