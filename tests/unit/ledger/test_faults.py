import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from grmkit.errors import LedgerError
from grmkit.ledger.faults import damaged, explain, is_busy, reporting


def failing(*statements: str, uri: str = ":memory:", timeout: float = 0) -> sqlite3.Error:
    """The error that SQLite raises at the last of these statements."""
    with closing(sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)) as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        with pytest.raises(sqlite3.Error) as caught:
            connection.execute(statements[-1]).fetchall()
    return caught.value


def test_a_full_disk() -> None:
    error = failing("PRAGMA max_page_count = 2", "CREATE TABLE a (x)", "CREATE TABLE b (x)")
    assert explain(error) == (
        "the disk is full or failing (database or disk is full); what was kept before is unharmed. "
        "Free some space and run the same command again"
    )


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff" * 4096)
    assert explain(failing("SELECT * FROM sqlite_master", uri=f"file:{tmp_path}/x")) == (
        "the file is damaged or not a ledger (file is not a database); restore it from a copy, "
        "or give another with --ledger"
    )


def test_a_file_that_is_read_only(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "x").close()
    (tmp_path / "x").touch()
    error = failing("CREATE TABLE a (x)", uri=f"file:{tmp_path}/x?mode=ro")
    assert explain(error) == (
        "the ledger cannot be opened or written (attempt to write a readonly database); check its permissions, "
        "or give another with --ledger"
    )


def test_a_file_that_is_held(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        error = failing("BEGIN IMMEDIATE", uri=f"file:{tmp_path}/x")
    assert is_busy(error)
    assert explain(error) == "another process has held the ledger for over 60 s (database is locked); try again"


def test_a_text_that_is_not_utf8_is_not_shown() -> None:
    error = failing("SELECT CAST(x'736563726574ff' AS TEXT)")
    assert "secret" in str(error)
    assert explain(error) == damaged("a text is not UTF-8")


def test_an_error_without_advice_keeps_its_words() -> None:
    assert explain(failing("SELECT")) == "the ledger failed: incomplete input"
    assert not is_busy(sqlite3.ProgrammingError("Cannot operate on a closed database."))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_system_error_for_want_of_room(code: int) -> None:
    assert "the disk is full" in explain(OSError(code, "no room", "file"))


def test_other_system_errors_name_the_file() -> None:
    assert explain(PermissionError(errno.EACCES, "Permission denied", "here/file")) == (
        "the ledger cannot be opened or written ([Errno 13] Permission denied: 'here/file'); check its permissions, "
        "or give another with --ledger"
    )


def test_reports_say_which_ledger() -> None:
    with (
        pytest.raises(LedgerError, match=r"^some/file: the ledger failed: odd$") as caught,
        reporting(Path("some/file")),
    ):
        raise sqlite3.OperationalError("odd")
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    with pytest.raises(LedgerError, match=r"^ledger: the ledger failed: odd$"), reporting(None):
        raise sqlite3.OperationalError("odd")


def test_errors_that_are_not_the_ledgers_pass() -> None:
    with pytest.raises(ValueError, match="mine"), reporting(None):
        raise ValueError("mine")
