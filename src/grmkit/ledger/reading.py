"""A ledger file that is only read: nothing in it changes, and nothing appears beside it unless it is in use."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from grmkit.errors import LedgerError
from grmkit.ledger import faults, schema

Found = TypeVar("Found")
State = tuple[int, int, int, int]


class Reader:
    """Reads a ledger file, whoever else is at it; calls may come from one thread at a time.

    Beside a ledger in use lies its write-ahead log, and reading takes part in SQLite's locking. Doing so at a
    ledger at rest would make that log and leave it there. So a ledger at rest is read without locks, as if
    nobody could write to it; if somebody did after all, what was read in the meantime is read again.

    Raises:
        LedgerError: If the file is not a ledger that this version of grmkit can read.
        sqlite3.Error: If it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()
        try:
            self._read(lambda connection: schema.check_filled(connection, path))
        except BaseException:
            self.close()
            raise

    def select(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._read(lambda connection: connection.execute(sql, values).fetchall())

    def close(self) -> None:
        self._at_rest = None
        self._connection.close()

    def _open(self) -> None:
        state = _state(self._path)
        is_at_rest = not any(os.path.exists(f"{self._path}{end}") for end in ("-wal", "-journal"))
        self._at_rest = state if is_at_rest else None
        self._connection = schema.connect_to_read(self._path, is_at_rest=is_at_rest)

    def _read(self, action: Callable[[sqlite3.Connection], Found]) -> Found:
        while True:
            try:
                found = action(self._connection)
            except (sqlite3.Error, LedgerError) as error:
                if not self._has_changed():
                    raise _in_words(error, self._path) from error
            else:
                if not self._has_changed():
                    return found
            self._connection.close()
            self._open()

    def _has_changed(self) -> bool:
        """Whether somebody wrote to the file while we read it without locks."""
        return self._at_rest is not None and self._at_rest != _state(self._path)


def _state(path: Path) -> State:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _in_words(error: sqlite3.Error | LedgerError, path: Path) -> sqlite3.Error | LedgerError:
    """An unfinished ledger whose log cannot be used is no fault of the ledger."""
    needs_log = isinstance(error, sqlite3.Error) and faults.is_shut(error) and os.path.exists(f"{path}-wal")
    return LedgerError(f"{path}: {faults.unfinished(str(error))}") if needs_log else error
