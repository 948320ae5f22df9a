"""Which processes use a ledger: each holds a lock file, and the system lets go of it when the process dies."""

import glob
import re
import secrets
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock, Timeout

_HEX = re.compile(r"[0-9a-f]{1,16}")


def new_number() -> int:
    """A number no run has had, whatever happened to the file; lock files are named after it."""
    return secrets.randbits(62)


def hold(path: Path | None, run: int) -> FileLock | None:
    """Show that this run lives, until `drop` or the end of the process; in memory there is nobody to show it to.

    Raises:
        OSError: If the lock file cannot be made.
    """
    if path is None:
        return None
    lock = _lock(path, run)
    lock.acquire(blocking=False)
    return lock


def drop(lock: FileLock | None) -> None:
    """Stop holding a run's lock, and remove its file."""
    if lock is not None:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def is_alive(path: Path | None, run: int) -> bool:
    """Whether the process of this run is still there."""
    if path is None:
        return True
    lock = _lock(path, run)
    if not Path(lock.lock_file).exists():
        return False
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def is_dead_for_sure(path: Path | None, run: int) -> bool:
    """Whether the process of this run is gone; no, where we may not find out."""
    try:
        return not is_alive(path, run)
    except OSError:
        return False


def forget(path: Path | None, run: int) -> None:
    """Remove the lock file that a dead run left behind."""
    if path is not None:
        Path(_lock(path, run).lock_file).unlink(missing_ok=True)


def sweep(path: Path | None, known: Collection[int]) -> None:
    """Remove lock files of runs that died before they were registered, or after they signed off.

    The caller holds a transaction, and so does who registers: a file without a number in `known` is not
    just being made.
    """
    if path is None:
        return
    for file in path.parent.glob(f"{glob.escape(path.name)}.run-*.lock"):
        number = file.name.removeprefix(f"{path.name}.run-").removesuffix(".lock")
        if _HEX.fullmatch(number) and int(number, 16) not in known and not is_alive(path, int(number, 16)):
            forget(path, int(number, 16))


def _lock(path: Path, run: int) -> FileLock:
    # Not per thread: a judge made in one thread may be closed in another.
    return FileLock(f"{path}.run-{run:x}.lock", mode=0o600, thread_local=False)
