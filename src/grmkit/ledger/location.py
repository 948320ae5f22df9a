"""Where a ledger may live: private, local, and made with the right permissions."""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from grmkit.errors import LedgerError
from grmkit.ledger.faults import EMPTY, reporting

NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb2 smb3 smbfs 9p afs coda ceph lustre glusterfs beegfs fhgfs gpfs orangefs pvfs2 panfs wekafs"
    " davfs vboxsf fuse.sshfs fuse.glusterfs fuse.davfs fuse.s3fs fuse.gcsfuse fuse.goofys fuse.blobfuse2"
    " fuse.mountpoint-s3 fuse.rclone fuse.ceph fuse.ceph-fuse fuse.juicefs fuse.mfs fuse.lizardfs fuse.curlftpfs"
    " fuse.smbnetfs fuse.vmhgfs-fuse".split()
)
"""Write-ahead logging needs shared memory between the processes that use the file; these do not give it."""

FileId = tuple[int, int]
MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def default_path() -> Path:
    """`grmkit/ledger.sqlite` in the user's data folder (XDG_DATA_HOME, or ~/.local/share).

    Raises:
        LedgerError: If this user has no home folder.
    """
    named = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(named):  # others are to be ignored, says the XDG standard
        return Path(named) / "grmkit" / "ledger.sqlite"
    try:
        return Path.home() / ".local" / "share" / "grmkit" / "ledger.sqlite"
    except RuntimeError:
        raise LedgerError(
            "this user has no home folder to keep a ledger in; give a path with --ledger, or set XDG_DATA_HOME"
        ) from None


def prepare(path: Path, mounts: Path = MOUNTS) -> None:
    """Make the ledger's folder and an empty file only its owner can read, unless they are there.

    A file that is there is not even opened: closing it again would drop the locks that SQLite holds on it for
    another ledger of this process.

    Raises:
        LedgerError: If the place cannot be written or is on a network file system.
    """
    _check_local(path, mounts)
    with reporting(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_private(path)
        _check_file(path, os.R_OK | os.W_OK)  # SQLite would leave files beside a read-only one that are so too


def check_filled(path: Path, mounts: Path = MOUNTS) -> None:
    """Check that something is there that may be read; nothing is made.

    Raises:
        LedgerError: If there is no file or an empty one, or it cannot be read or is on a network file system.
    """
    _check_local(path, mounts)
    with reporting(path):
        if not path.exists():
            raise LedgerError(f"{path}: there is no ledger here yet; `grm score` makes one")
        _check_file(path, os.R_OK)
        if path.stat().st_size == 0:
            raise LedgerError(f"{path}: {EMPTY}")


def file_id(path: Path) -> FileId | None:
    """What tells the file at a path from any other that takes its name; None if there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def file_system_of(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the file system a path is on, as the kernel names it; None where that is not told."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return None
    resolved = os.fsencode(os.path.realpath(path))
    best, kind = b"", None
    for line in lines:
        before, _, after = line.partition(b" - ")
        point = _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), before.split(b" ")[4])
        is_inside = resolved == point or resolved.startswith(point.rstrip(b"/") + b"/")
        if is_inside and len(point) >= len(best):  # of two on the same point, the later one is seen
            best, kind = point, after.split(b" ")[0].decode()
    return kind


def _check_local(path: Path, mounts: Path) -> None:
    kind = file_system_of(path, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise LedgerError(
            f"{path}: this is on a network file system ({kind}), where two processes can damage a ledger; "
            "give a path on a local disk with --ledger"
        )


def _check_file(path: Path, access: int) -> None:
    if not path.is_file():
        raise LedgerError(f"{path}: this is not a regular file; give the path of a file with --ledger")
    if not os.access(path, access):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _make_private(path: Path) -> None:
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
