"""A ledger file that is deleted, moved or replaced while it is in use: noticed before anything more is paid for."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from grmkit.errors import LedgerError
from grmkit.ledger import JudgeKey, Ledger, Stored, schema

Run = Callable[..., list[str]]
Place = tuple[int, int, tuple[int, ...]]

KEY = JudgeKey({"model": "m"}, "t", "f", {"temperature": 1.0})
GONE = r"ledger\.sqlite: the ledger was deleted, moved or replaced while it was in use: nothing more can be kept"


def place_in(ledger: Ledger) -> Place:
    return ledger.judge_id(KEY), ledger.example_id({"query": "Q"}, "e1"), (0, 1)


def delete(path: Path) -> None:
    path.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def replace_by_a_copy(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".copy"))
    os.replace(path.with_suffix(".copy"), path)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_an_empty_file(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.touch()


@pytest.mark.parametrize(
    "lose", [delete, delete_folder, replace_by_a_copy, replace_by_a_folder, replace_by_an_empty_file]
)
def test_a_ledger_that_is_gone_is_noticed_at_once(lose: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.sqlite"
    ledger = Ledger(path)
    place = place_in(ledger)
    ledger.claim(*place, (0, 1))
    ledger.commit(*place, (0,), (Stored("in time"),))
    lose(path)
    with pytest.raises(LedgerError, match=GONE):
        ledger.commit(*place, (1,), (Stored("too late"),))
    with pytest.raises(LedgerError, match=GONE):
        ledger.claim(*place, (2,))
    assert set(ledger.find(*place)) == {0}
    with pytest.raises(LedgerError, match=GONE):
        ledger.close()
    ledger.close()
    assert not list(tmp_path.rglob("*.lock"))


def test_it_is_noticed_even_if_nothing_comes_after(path: Path) -> None:
    ledger = Ledger(path)
    ledger.commit(*place_in(ledger), (0,), (Stored("paid"),))
    path.unlink()
    with pytest.raises(LedgerError, match=GONE):
        ledger.close()


def test_what_replaced_it_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "other") as other:
        other.commit(*place_in(other), (5,), (Stored("other"),))
    before = (tmp_path / "other").read_bytes()
    ledger = Ledger(path)
    ledger.commit(*place_in(ledger), (0,), (Stored("paid"),))
    os.replace(tmp_path / "other", path)
    with pytest.raises(LedgerError, match=GONE):
        ledger.close()
    assert path.read_bytes() == before


def test_moved_back_it_is_complete_as_the_message_says(path: Path) -> None:
    moved = path.with_suffix(".moved")
    ledger = Ledger(path)
    place = place_in(ledger)
    ledger.claim(*place, (0, 1))
    ledger.commit(*place, (0,), (Stored("in time"),))
    path.rename(moved)
    with pytest.raises(LedgerError, match=r"end this run and move it back: with the file with -wal at the end"):
        ledger.commit(*place, (1,), (Stored("too late"),))
    with suppress(LedgerError):
        ledger.close()
    assert Path(f"{path}-wal").stat().st_size > 0
    moved.rename(path)
    with Ledger(path) as ledger:
        assert ledger.find(*place) == {0: Stored("in time")}
        assert ledger.num_lost == 1
        assert ledger.select("PRAGMA integrity_check") == [("ok",)]


def test_a_link_may_be_changed_and_the_file_written_to(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with Ledger(link) as ledger:
        link.unlink()
        os.utime(path, (1, 1))
        assert ledger.claim(*place_in(ledger), (0,)).ours == (0,)


def test_a_file_replaced_while_it_is_opened_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = schema.connect

    def connect_late(wanted: Path) -> sqlite3.Connection:
        connection = connect(wanted)
        connection.execute("PRAGMA user_version")
        replace_by_an_empty_file(wanted)
        return connection

    monkeypatch.setattr(schema, "connect", connect_late)
    with pytest.raises(LedgerError, match=GONE):
        Ledger(path)
    assert not list(path.parent.glob("*.lock"))
