"""Writes rows the way users have them, so that every test starts from a real file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows to a JSONL file; a row given as text or bytes is written as it is."""

    def to_file(*rows: Any, name: str = "data.jsonl") -> Path:
        lines = [
            row if isinstance(row, bytes) else row.encode() if isinstance(row, str) else orjson.dumps(row)
            for row in rows
        ]
        path = tmp_path / name
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return to_file
