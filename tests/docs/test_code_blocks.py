"""Every code block of the README and the documentation runs.

    ```python    is executed, with a namespace of its own
    ```bash      is run when it starts with `grm `
    ```json, ```jsonl, ```toml    are read by a parser
    ```text      under `<!-- output -->` must be what the last block that ran printed; a line `...` stands for any lines

The blocks of a page run in order in one temporary folder, which holds a copy of `examples/`. A block that cannot run
says so right above itself, `<!-- not run: reason -->`, and is counted as a skipped test.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

PARSERS = {
    "json": json.loads,
    "toml": tomllib.loads,
    "jsonl": lambda text: [json.loads(row) for row in text.splitlines()],
}
SILENT = {"text", "make", "html"}


@pytest.fixture(scope="session")
def folders() -> dict[str, Path]:
    """The temporary folder of each page."""
    return {}


@pytest.fixture(scope="session")
def printed() -> dict[str, str]:
    """What the last block that ran on each page printed."""
    return {}


@pytest.fixture(scope="session")
def ran() -> set[tuple[str, int]]:
    """Page and line of the blocks that ran in this process."""
    return set()


@pytest.fixture
def folder(block: Any, root: Path, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    if block.page not in folders:
        folders[block.page] = tmp_path_factory.mktemp("page")
        shutil.copytree(root / "examples", folders[block.page] / "examples")
    return folders[block.page]


@pytest.fixture(autouse=True)
def at_home_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the blocks write goes into the page's folder, not into the reader's home."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


def run_python(block: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * block.line + block.text, block.page, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def run_bash(block: Any) -> str:
    command = ["bash", "-euo", "pipefail", "-c", block.text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{block.page}:{block.line}\n{done.stdout}{done.stderr}"
    return done.stdout


def matches(shown: str, output: str) -> bool:
    """Whether the output is what the page shows, line ends and a line of dots aside."""
    lines = [".*" if line.strip() == "..." else re.escape(line.rstrip()) for line in shown.strip().splitlines()]
    found = "\n".join(line.rstrip() for line in output.strip().splitlines())
    return re.fullmatch("\n".join(lines), found, re.DOTALL) is not None


def test_block(block: Any, blocks: list[Any], printed: dict[str, str], ran: set[tuple[str, int]]) -> None:
    """Blocks above it that another process ran are run here too: it may need what they left or printed."""
    if block.is_excused:
        pytest.skip(block.note)
    for one in blocks:
        is_needed = one.page == block.page and one.line <= block.line and not one.is_excused
        if is_needed and (one.page, one.line) not in ran:
            run(one, printed)
            ran.add((one.page, one.line))


def run(block: Any, printed: dict[str, str]) -> None:
    if block.language == "python":
        printed[block.page] = run_python(block)
    elif block.language == "bash":
        assert block.text.startswith("grm "), "only grm commands are run; say above the block why this one is not"
        printed[block.page] = run_bash(block)
    elif block.note == "output":
        assert matches(block.text, printed[block.page]), f"{block.page}:{block.line} printed\n{printed[block.page]}"
    elif block.language in PARSERS:
        PARSERS[block.language](block.text)
    else:
        assert block.language in SILENT, f"{block.page}:{block.line}: say which language the block is in"
