"""Run `grm` as a user does, without the cost of a process: arguments in; exit code, output and errors out."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fake_server import FakeServer
from grmkit.cli import main
from live_server import judge, live_server


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def grm(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Ran]:
    def run(*args: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["grm", *map(str, args)])
        monkeypatch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        sys.stdout.flush()
        out, err = capsysbinary.readouterr()
        return Ran(code, out.decode(), err.decode())

    return run


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with live_server() as running:
        running.answer = judge
        yield running


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Five pairs in a file."""
    path = tmp_path / "pairs.jsonl"
    rows = [{"id": f"p{i}", "query": f"query {i}", "responses": [f"first {i}", f"second {i}"]} for i in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
