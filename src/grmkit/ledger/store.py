"""The ledger file: claim what is about to be asked for, commit what came, find what is there.

A judgment is claimed in the same transaction that checks it is not there yet, so two processes on one ledger
never pay for the same one twice, and after a kill the claims left behind say exactly what was in flight.

What is committed outlives the process, whatever kills it. When the machine itself goes down (power, kernel), the
last judgments may be missing, but never half there: SQLite writes ahead and does not wait for the disk at every
commit.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from grmkit.errors import LedgerError
from grmkit.ledger import faults, location, runs, schema
from grmkit.ledger.keys import Claim, JudgeKey, Stored, digest, order_text, storable
from grmkit.ledger.reading import Reader
from grmkit.types.example import canonical, content_key

_PLACE = "WHERE judge = ? AND example = ? AND ordering = ?"

STORED = """j.finish_reason, j.prompt_tokens, j.completion_tokens,
       t.text, t.hash, r.text, r.hash, l.text, l.hash, n.text, n.hash"""
"""The columns that `Ledger.read_stored` takes; they come FROM judgments j and these joins."""
STORED_JOINS = """LEFT JOIN texts t ON t.id = j.text LEFT JOIN texts r ON r.id = j.reasoning
LEFT JOIN texts l ON l.id = j.logprobs LEFT JOIN texts n ON n.id = j.neutralised"""

Place = tuple[int, int, str]
"""Judge, example and order, as the tables have them."""


class Ledger:
    """One ledger file, open for reading and writing; `None` as path keeps everything in memory only.

    May be used from several threads, but not in a process forked after it was opened. That the file is deleted,
    moved or replaced meanwhile is noticed at the next change, before anything more is claimed or kept.

    Args:
        path: The file; made if it is not there.
        is_read_only: Only read it. It must be there; not a byte of it changes, no run is registered, and claims
            of runs that were killed stay.

    Attributes:
        path: The file, symbolic links resolved: the locks of all who use it must lie in one place.
        num_lost: How many judgments were in flight in runs that were found killed, at opening or later:
            they will be paid for again.

    Raises:
        LedgerError: If the file cannot be opened, is damaged, is newer than this version of grmkit or
            is not a ledger. The file is left as it was.
        ValueError: If it is to be in memory and only read.
    """

    def __init__(self, path: str | Path | None, *, is_read_only: bool = False) -> None:
        if path is None and is_read_only:
            raise ValueError("a ledger in memory starts empty; expected a path for one that is only read")
        self.path = None if path is None else Path(os.path.realpath(path))
        self.num_lost = 0
        self._process = os.getpid()
        self._mutex = threading.RLock()
        self._is_closed = False
        self._run = 0 if is_read_only else runs.new_number()
        self._reader: Reader | None = None
        if is_read_only and self.path is not None:
            self._open_to_read(self.path)
        else:
            self._open_to_write()

    def _open_to_read(self, path: Path) -> None:
        location.check_filled(path)
        with faults.reporting(path), ExitStack() as undo:
            self._reader = Reader(path)
            undo.callback(self._reader.close)
            dead = [run for run in self._other_runs() if runs.is_dead_for_sure(path, run)]
            self.num_lost = sum(self._num_claimed(run) for run in dead)  # asked now: who ended in order has none
            undo.pop_all()

    def _open_to_write(self) -> None:
        if self.path is not None:
            location.prepare(self.path)
            self._file = location.file_id(self.path)
        with faults.reporting(self.path), ExitStack() as undo:
            self._connection = schema.connect(self.path)
            undo.callback(self._connection.close)
            schema.set_up(self._connection, self.path)
            with self.transaction() as connection:
                self._lock = runs.hold(self.path, self._run)
                undo.callback(runs.drop, self._lock)
                connection.execute("INSERT INTO runs VALUES (?, ?)", (self._run, time.time()))
                runs.sweep(self.path, {run for (run,) in connection.execute("SELECT id FROM runs")})
            self.forget_dead_runs()
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is still claimed and close the file; once more does nothing."""
        if self._is_closed or self._process != os.getpid():
            return
        self._is_closed = True
        if self._reader is not None:
            self._reader.close()
            return
        with faults.reporting(self.path), ExitStack() as undo:
            undo.callback(runs.drop, self._lock)
            undo.callback(self._connection.close)
            with self.transaction() as connection:
                connection.execute("DELETE FROM claims WHERE run = ?", (self._run,))
                connection.execute("DELETE FROM runs WHERE id = ?", (self._run,))

    def judge_id(self, key: JudgeKey) -> int:
        """The number of this judge in this file, registered if new."""
        row = (key.hash, canonical(key.model), key.template, key.fingerprint, canonical(key.sampling))
        known = self.select("SELECT id FROM judges WHERE hash = ?", key.hash)
        if known:
            return known[0][0]
        sql = "INSERT OR IGNORE INTO judges (hash, model, template, fingerprint, sampling) VALUES (?, ?, ?, ?, ?)"
        with self.transaction() as connection:
            connection.execute(sql, [storable(text) for text in row])
            return connection.execute("SELECT id FROM judges WHERE hash = ?", (key.hash,)).fetchone()[0]

    def find_example(self, content: Mapping[str, Any]) -> int | None:
        """The number of this example in this file, if it is there."""
        return self._find_example(content_key(content))

    def example_id(self, content: Mapping[str, Any], name: str) -> int:
        """The number of this example in this file, registered if new. The name is for people."""
        key = content_key(content)
        known = self._find_example(key)
        if known is not None:
            return known
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO examples (hash, name, content) VALUES (?, ?, ?)",
                (key, storable(name), self._text_id(canonical(content))),
            )
            return connection.execute("SELECT id FROM examples WHERE hash = ?", (key,)).fetchone()[0]

    def find(self, judge: int, example: int, order: Sequence[int]) -> dict[int, Stored]:
        """All judgments of one example in one order, by stream."""
        rows = self.select(
            f"SELECT j.stream, {STORED} FROM judgments j {STORED_JOINS} {_PLACE}", judge, example, order_text(order)
        )
        return {row[0]: self.read_stored(row[1:]) for row in rows}

    def claim(self, judge: int, example: int, order: Sequence[int], streams: Sequence[int]) -> Claim:
        """Mark as being asked for those of these streams that are neither kept nor claimed by another run."""
        place = (judge, example, order_text(order))
        with self.transaction() as connection:
            kept = self._kept(place)
            taken = {row[0] for row in connection.execute(f"SELECT stream FROM claims {_PLACE}", place)}
            ours = tuple(stream for stream in streams if stream not in kept | taken)
            rows = [(*place, stream, self._run) for stream in ours]
            connection.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", rows)
        return Claim(ours, tuple(stream for stream in streams if stream in taken - kept))

    def commit(
        self,
        judge: int,
        example: int,
        order: Sequence[int],
        streams: Sequence[int],
        answers: Sequence[Stored],
        created: Sequence[float] | None = None,
    ) -> int:
        """Keep these answers and give up the claims on their streams, all or nothing; what is kept already stays.

        Args:
            created: When each was made, in seconds since 1970; now, if left out.

        Returns:
            How many were new.
        """
        place, times = (judge, example, order_text(order)), created or [time.time()] * len(streams)
        with self.transaction() as connection:
            kept = self._kept(place)
            rows = [
                (*place, stream, *self._columns(answer), when)
                for stream, answer, when in zip(streams, answers, times, strict=True)
                if stream not in kept
            ]
            connection.executemany("INSERT INTO judgments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._release(place, streams)
        return len(rows)

    def release(self, judge: int, example: int, order: Sequence[int], streams: Sequence[int]) -> None:
        """Give up claims on streams that were not answered after all."""
        with self.transaction():
            self._release((judge, example, order_text(order)), streams)

    def forget_dead_runs(self) -> int:
        """Drop the claims of runs that were killed; returns how many judgments were in flight in them."""
        lost = 0
        with faults.reporting(self.path):
            for run in [run for run in self._other_runs() if not runs.is_alive(self.path, run)]:
                with self.transaction() as connection:
                    lost += connection.execute("DELETE FROM claims WHERE run = ?", (run,)).rowcount
                    connection.execute("DELETE FROM runs WHERE id = ?", (run,))
                runs.forget(self.path, run)
        self.num_lost += lost
        return lost

    def is_shared(self) -> bool:
        """Whether other runs use this ledger, as far as it is known; certain while in a transaction."""
        return bool(self.select("SELECT 1 FROM runs WHERE id <> ? LIMIT 1", self._run))

    def select(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows a query gives; SQLite's errors come out as LedgerError."""
        with self._alone():
            if self._reader is not None:
                return self._reader.select(sql, values)
            return self._connection.execute(sql, values).fetchall()

    def read_stored(self, row: Sequence[Any]) -> Stored:
        """What a judge wrote, from the columns in `STORED`; refuses texts that are not what was once kept."""
        finish_reason, prompt_tokens, completion_tokens, *texts = row
        pairs = zip(texts[::2], texts[1::2], strict=True)
        read = (None if text is None else self.intact(text, name) for text, name in pairs)
        text, reasoning, logprobs, neutralised = read
        return Stored(text, finish_reason, reasoning, logprobs, neutralised, prompt_tokens, completion_tokens)

    def intact(self, text: str, name: bytes) -> str:
        """The text, if it is what was once kept: SQLite itself does not notice a flipped letter."""
        if digest(text) != name:
            raise LedgerError(f"{self.path or 'ledger'}: {faults.damaged('a text is not what was kept')}")
        return text

    def compact(self) -> None:
        """Give the space of deleted rows back to the file system."""
        with self._alone(to_write=True):
            self._connection.execute("VACUUM")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes made inside are kept together, or none; SQLite's errors come out as LedgerError."""
        with self._alone(to_write=True):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._check_in_place()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _alone(self, *, to_write: bool = False) -> Iterator[None]:
        if self._process != os.getpid():
            raise LedgerError(
                f"{self.path or 'ledger'}: it was opened before this process was forked; open it again in here"
            )
        if to_write and self._reader is not None:
            raise LedgerError(f"{self.path}: this ledger was opened only to be read; nothing was changed")
        with self._mutex, faults.reporting(self.path):
            yield

    def _check_in_place(self) -> None:
        """SQLite itself goes on writing to a file that nobody will find again."""
        if self.path is not None and location.file_id(self.path) != self._file:
            raise LedgerError(f"{self.path}: {faults.GONE}")

    def _other_runs(self) -> list[int]:
        return [run for (run,) in self.select("SELECT id FROM runs WHERE id <> ?", self._run)]

    def _num_claimed(self, run: int) -> int:
        return self.select("SELECT count(*) FROM claims WHERE run = ?", run)[0][0]

    def _find_example(self, key: str) -> int | None:
        found = self.select("SELECT id FROM examples WHERE hash = ?", key)
        return found[0][0] if found else None

    def _kept(self, place: Place) -> set[int]:
        return {row[0] for row in self._connection.execute(f"SELECT stream FROM judgments {_PLACE}", place)}

    def _columns(self, answer: Stored) -> tuple[Any, ...]:
        texts = (answer.text, answer.reasoning, answer.logprobs, answer.neutralised)
        ids = tuple(None if text is None else self._text_id(text) for text in texts)
        reason = None if answer.finish_reason is None else storable(answer.finish_reason)
        return (*ids, reason, answer.prompt_tokens, answer.completion_tokens)

    def _text_id(self, text: str) -> int:
        row = (digest(text), storable(text))
        cursor = self._connection.execute("INSERT OR IGNORE INTO texts (hash, text) VALUES (?, ?)", row)
        if cursor.rowcount == 1 and cursor.lastrowid is not None:
            return cursor.lastrowid
        return self._connection.execute("SELECT id FROM texts WHERE hash = ?", row[:1]).fetchone()[0]

    def _release(self, place: Place, streams: Sequence[int]) -> None:
        self._connection.executemany(
            f"DELETE FROM claims {_PLACE} AND stream = ? AND run = ?",
            [(*place, stream, self._run) for stream in streams],
        )
