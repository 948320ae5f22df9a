"""Where verdicts go: a table for a person, JSON lines for a program.

A file is written beside its final name and moved there when complete, so that it is never half a file.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console

from grmkit.cli.table import show
from grmkit.errors import DataError
from grmkit.types import Verdict


class Output:
    """One place for verdicts. `kept_at` is the unfinished file, if the run ended early."""

    def __init__(self, path: Path | None, file: BinaryIO | None, console: Console | None) -> None:
        self._path = path
        self._file = file
        self._console = console
        self.kept_at = None if path is None else part_of(path)

    def write(self, verdict: Verdict) -> None:
        if self._console is not None:
            show(verdict, self._console)
        if self._file is not None:
            with _writing(self._path):
                self._file.write(orjson.dumps(verdict.to_json(), option=orjson.OPT_APPEND_NEWLINE))

    def finish(self) -> None:
        """The run is complete: the file gets its name."""
        if self._file is None:
            return
        with _writing(self._path):
            self._file.flush()
            if self._path is not None:
                part_of(self._path).replace(self._path)
                self.kept_at = None


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@contextlib.contextmanager
def open_output(path: Path | None, *, console: Console) -> Iterator[Output]:
    """A table on a terminal; JSON lines to `path`, to a pipe, or to standard output for `-`.

    Raises:
        DataError: If it cannot be written, because the disk is full, say.
    """
    if path is None and console.is_terminal:
        yield Output(None, None, console)
        return
    if path is None or str(path) == "-":
        yield Output(None, sys.stdout.buffer, None)
        return
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = part_of(path).open("wb")
    with file:
        yield Output(path, file, None)


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(
            f"{path or 'standard output'}: verdicts cannot be written: {error.strerror}; judgments made so far are in "
            "the ledger: run the same command again with a place that can be written"
        ) from error
