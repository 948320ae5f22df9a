"""Lines of JSON: numbered, and parsed one at a time."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import orjson

from grmkit.errors import DataError

Opener = Callable[[], AbstractContextManager[Iterable[bytes]]]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_SEARCHED_FIELDS = 30


def numbered_lines(opener: Opener, name: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1.

    Raises:
        DataError: If the file cannot be opened or breaks off: no permission, a truncated or damaged gzip file.
    """
    number = 0
    try:
        with opener() as lines:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
                if text and not text.isspace():
                    yield number, text
    except EOFError as error:
        raise DataError(f"{name}: the gzip file ends early, after line {number}; fetch it again") from error
    except (OSError, zlib.error) as error:
        where = f" past line {number}" if number else ""
        raise DataError(f"{name}: cannot be read{where}: {error}") from error


def parse_line(line: bytes) -> Any:
    """The JSON value on one line.

    Raises:
        ValueError: If it is not UTF-8, not strict JSON (NaN and Infinity are not), or gives a field twice.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        _check_utf8(line)
        raise ValueError(
            f"not JSON at column {error.colno} ({error.msg}{_literal_at(error)}); expected one JSON object per line"
        ) from None
    if isinstance(row, Mapping):
        _check_keys_once(line, row)
    return row


def _check_utf8(line: bytes) -> None:
    if line.startswith(b"\x1f\x8b"):
        raise ValueError("holds gzip data; expected text: name the file .jsonl.gz, or unpack it first")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} of the line is 0x{line[error.start]:02x}"
        raise ValueError(f"{found}, which is not UTF-8; expected UTF-8 text") from None


def _literal_at(error: orjson.JSONDecodeError) -> str:
    start = error.doc[max(error.pos - 1, 0) : error.pos + 9]
    return "; NaN and Infinity are not JSON" if "NaN" in start or "Infinity" in start else ""


def _check_keys_once(line: bytes, row: Mapping[str, Any]) -> None:
    """Refuse a field that is given twice at the top of the row; only lines that look suspicious pay for the check."""
    if len(row) <= MAX_SEARCHED_FIELDS and all(line.count(b'"%b"' % name.encode()) < 2 for name in row):
        return
    names = [name for name, _ in json.loads(line, object_pairs_hook=list)]
    if len(names) > len(row):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice!r} is given twice; expected each field once")
