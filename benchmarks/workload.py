"""What the benchmarks share: pairs to judge, a slot server in its own process, child processes, and the result file."""

import contextlib
import json
import os
import platform
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from slot_server import MODEL, WORDS

HERE = Path(__file__).parent
RESULTS = HERE.parent / "docs" / "results" / "benchmarks"
PACKAGES = ("httpx2", "numpy", "orjson", "scipy")
QUERY_CHARS, RESPONSE_CHARS = 200, 1200
NUM_TEXTS = 997


@dataclass(frozen=True, slots=True)
class Server:
    """A running slot server."""

    base_url: str

    @property
    def judge(self) -> str:
        return f"{self.base_url}#{MODEL}"

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/stats") as response:
            return json.load(response)


@contextlib.contextmanager
def slot_server(**flags: float) -> Iterator[Server]:
    """A fresh server with these flags (`slots=64`), stopped at the end."""
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, str(HERE / "slot_server.py"), *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process.stdout.readline().strip())
        finally:
            process.terminate()


def write_pairs(path: Path, num: int, *, seed: int = 0) -> Path:
    """Queries of about 200 characters, each with two responses of about 1,200; all of them different."""
    generator = random.Random(seed)
    texts = [" ".join(generator.choices(WORDS, k=RESPONSE_CHARS // 6)) for _ in range(NUM_TEXTS)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(num):
            query = f"Question {number}: " + " ".join(generator.choices(WORDS, k=QUERY_CHARS // 6)) + "?"
            responses = [f"Answer {number}{letter}: {generator.choice(texts)}" for letter in "ab"]
            file.write(json.dumps({"id": f"pair-{number}", "query": query, "responses": responses}) + "\n")
    return path


def run_child(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a child process reports, as JSON on the last line it prints.

    Raises:
        RuntimeError: If it fails; with the end of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, env=environment or os.environ)
    if done.returncode:
        raise RuntimeError(f"{command[1]} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def run_grmkit(data: Path, judge: str, *, folder: Path, **flags: int) -> dict[str, Any]:
    """`client_grmkit.py` on these data, with a new ledger file in this folder."""
    ledger, output = folder / "ledger.sqlite", folder / "verdicts.jsonl"
    for path in (*folder.glob("ledger.sqlite*"), output):
        path.unlink(missing_ok=True)
    given = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, str(HERE / "client_grmkit.py"), str(data), judge, str(ledger), str(output), *given]
    return run_child(command)


def write_result(name: str, result: Mapping[str, Any], date: str | None) -> Path:
    """Keep the numbers, with the versions they were measured with."""
    versions = {"python": platform.python_version(), "grmkit": _grmkit_version()}
    versions |= {package: found for package in PACKAGES if (found := _version(package))}
    head = {"date": date or datetime.now(UTC).date().isoformat(), "cpu_count": os.cpu_count(), "versions": versions}
    head["versions"] |= result.get("versions", {})
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(dict(result) | head), indent=1) + "\n", encoding="utf-8")
    return path


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output; the first column names the row."""
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,.3g}" if isinstance(cell, float) and cell < 100 else _plain(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _plain(cell: Any) -> str:
    return f"{cell:,.0f}" if isinstance(cell, int | float) else str(cell)


def _rounded(value: Any) -> Any:
    """Five digits: what lies beyond is noise."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _grmkit_version() -> str:
    import grmkit

    return grmkit.__version__


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
