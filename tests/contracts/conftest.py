"""What the contract tests share: the tree of files, the parsed sources, and snapshots that only change on purpose."""

import ast
import difflib
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file of the package: where it is, as `room/file.py`, and what it says."""

    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split("/")[0]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every Python file under src/grmkit."""
    package = ROOT / "src" / "grmkit"
    found = [
        (path.relative_to(package).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    ]
    return [Source(name, text, ast.parse(text, name)) for name, text in found]


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file that is committed or would be: what git tracks and what it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


@pytest.fixture
def pinned() -> Callable[[str, str], None]:
    """Compare a text with the committed one; with GRMKIT_REFRESH set, write it instead."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("GRMKIT_REFRESH"):
            path.write_text(text, encoding="utf-8")
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        diff = list(difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "now", lineterm=""))
        assert not diff, "\n".join([f"{name} changed; if you meant it, run `make snapshots`", *diff])

    return compare
