"""What went wrong with a ledger file, in words a user can act on."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grmkit.errors import LedgerError

BUSY_TIMEOUT_S = 60.0
EMPTY = "the file is empty, not a ledger yet; `grm score` makes one"

_FULL = (
    "the disk is full or failing ({words}); what was kept before is unharmed. "
    "Free some space and run the same command again"
)
_DAMAGED = "the file is damaged or not a ledger ({words}); restore it from a copy, or give another with --ledger"
_HELD = f"another process has held the ledger for over {BUSY_TIMEOUT_S:.0f} s ({{words}}); try again"
_SHUT = "the ledger cannot be opened or written ({words}); check its permissions, or give another with --ledger"
_UNFINISHED = (
    "the ledger is in use, or was left by a run that was killed, and its write-ahead log (the file with -wal at the "
    "end) cannot be read from here ({words}); copy both files to a folder you may write to and read the copy"
)
GONE = (
    "the ledger was deleted, moved or replaced while it was in use: nothing more can be kept, and nothing more is "
    "asked for. If it was moved, end this run and move it back: with the file with -wal at the end, which is still "
    "in the old place, it is complete"
)

_ADVICE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_PROTOCOL: _HELD,
    sqlite3.SQLITE_READONLY: _SHUT,
    sqlite3.SQLITE_PERM: _SHUT,
    sqlite3.SQLITE_CANTOPEN: _SHUT,
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def reporting(path: Path | None) -> Iterator[None]:
    """Turn the errors of SQLite and the system into ours, which say where, what was found and what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"{path or 'ledger'}: {explain(error)}") from error


def explain(error: sqlite3.Error | OSError) -> str:
    """What an error means for the user, and what to do about it."""
    words = str(error)
    if isinstance(error, OSError):
        return (_FULL if error.errno in _NO_ROOM else _SHUT).format(words=words)
    if words.startswith("Could not decode"):  # Python's own; goes on with the text, which may be long and private
        return damaged("a text is not UTF-8")
    return _ADVICE.get(primary_code(error), "the ledger failed: {words}").format(words=words)


def damaged(words: str) -> str:
    """That the file cannot be trusted, and what to do about it."""
    return _DAMAGED.format(words=words)


def unfinished(words: str) -> str:
    """That a ledger cannot be read without its log, and what to do about it."""
    return _UNFINISHED.format(words=words)


def is_shut(error: sqlite3.Error) -> bool:
    return primary_code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def is_busy(error: sqlite3.Error) -> bool:
    return primary_code(error) == sqlite3.SQLITE_BUSY


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's code for this kind of error; 0 for the errors that Python's own module raises."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
