"""Finds the fenced blocks of the README and the documentation, so that every one of them can be run."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)")
NOTE = re.compile(r"^\s*<!-- (?P<note>.+?) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where it stands, its language, its text, and the HTML comment right above it, if any."""

    page: str
    line: int
    number: int
    language: str
    text: str
    note: str

    @property
    def is_excused(self) -> bool:
        """Whether the page says why this block is not run."""
        return self.note.startswith("not run: ")

    @property
    def is_run_by_ci(self) -> bool:
        """Whether it is one of the README's two commands, which `.ci/run` runs."""
        return self.note.startswith("ci: command ")


def blocks_of(page: str, text: str) -> Iterator[Block]:
    lines = text.splitlines()
    opened, number = None, 0
    for index, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened, number = index, number + 1
        elif fence and opened is not None:
            start = FENCE.match(lines[opened])
            assert start is not None
            body = textwrap.dedent("\n".join(lines[opened + 1 : index])) + "\n"
            yield Block(page, opened + 1, number, start["language"], body, note_above(lines, opened))
            opened = None


def note_above(lines: list[str], index: int) -> str:
    above = next((line for line in reversed(lines[:index]) if line.strip()), "")
    found = NOTE.match(above)
    return found["note"] if found else ""


def all_pages() -> list[Path]:
    readme = [path for path in [ROOT / "README.md"] if path.exists()]
    return [*readme, *sorted((ROOT / "docs").rglob("*.md"))]


def all_blocks() -> list[Block]:
    pages = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in all_pages()]
    found = [block for page, text in pages for block in blocks_of(page, text)]
    return [block for block in found if not block.is_run_by_ci]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "block" in metafunc.fixturenames:
        blocks = all_blocks()
        metafunc.parametrize("block", blocks, ids=[f"{block.page}-{block.number}" for block in blocks])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> list[Path]:
    return all_pages()


@pytest.fixture(scope="session")
def blocks() -> list[Block]:
    return all_blocks()
