"""Where results go: a table for a person, JSON lines for a program.

A file is written beside its final name and moved there when complete, so that it is never half a file and never a
new one in place of a device, a pipe or a link.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console

from grmkit.cli.table import show
from grmkit.errors import DataError
from grmkit.types import Verdict


class LineFile:
    """A file of JSON lines. `kept_at` is the unfinished file, until `finish`."""

    def __init__(self, file: BinaryIO, path: Path | None) -> None:
        self._file = file
        self._path = path
        self.kept_at = None if path is None else part_of(path)

    def write(self, line: bytes) -> None:
        with _writing(self._path):
            self._file.write(line + b"\n")

    def finish(self) -> None:
        """All lines are there: the file gets its name."""
        with _writing(self._path):
            self._file.flush()
            if self._path is not None:
                part_of(self._path).replace(self._path)
        self.kept_at = None


class Output:
    """One place for verdicts: lines, or a table."""

    def __init__(self, lines: LineFile | None, console: Console | None) -> None:
        self._lines = lines
        self._console = console

    @property
    def kept_at(self) -> Path | None:
        """Where the verdicts of a run that ended early are."""
        return None if self._lines is None else self._lines.kept_at

    def write(self, verdict: Verdict) -> None:
        if self._console is not None:
            show(verdict, self._console)
        if self._lines is not None:
            self._lines.write(orjson.dumps(verdict.to_json()))

    def finish(self) -> None:
        """The run is complete."""
        if self._lines is not None:
            self._lines.finish()


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@contextlib.contextmanager
def open_output(path: Path | None, *, console: Console, not_onto: Sequence[str | Path | None] = ()) -> Iterator[Output]:
    """A table on a terminal without a path; JSON lines everywhere else.

    Raises:
        DataError: As `open_lines`.
    """
    if path is None and console.is_terminal:
        yield Output(None, console)
        return
    with open_lines(path, not_onto=not_onto) as lines:
        yield Output(lines, None)


@contextlib.contextmanager
def open_lines(path: Path | None, *, not_onto: Sequence[str | Path | None] = ()) -> Iterator[LineFile]:
    """Lines to a file, or to standard output for None or `-`.

    Args:
        path: Where; links are followed, and what is no regular file (a device, a pipe) is written in place.
        not_onto: Files that are in use and must not be overwritten.

    Raises:
        DataError: If it cannot be written: it is a folder, it is in use, the disk is full.
    """
    if path is None or str(path) == "-":
        yield LineFile(sys.stdout.buffer, None)
        return
    target = Path(os.path.realpath(path))
    _check(path, target, not_onto)
    is_regular = not target.exists() or target.is_file()
    with _writing(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = (part_of(target) if is_regular else target).open("wb")
    try:
        yield LineFile(file, target if is_regular else None)
    finally:
        with _writing(path):
            file.close()


def _check(path: Path, target: Path, not_onto: Sequence[str | Path | None]) -> None:
    if not target.name or target.is_dir():
        raise DataError(f"{path}: this is a folder; expected a file to write to")
    for used in not_onto:
        if used is not None and os.path.realpath(used) in (str(target), str(part_of(target))):
            raise DataError(f"{path}: this file is being read ({used}); write to another one")


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(
            f"{path or 'standard output'}: cannot be written: {error.strerror}; judgments made so far are in the "
            "ledger: run the same command again with a place that can be written"
        ) from error
