import os
from pathlib import Path

import pytest

from grmkit.errors import LedgerError
from grmkit.ledger import default_path
from grmkit.ledger.location import check_filled, file_id, file_system_of, prepare

# As on a cluster: people's folders and scratch on the network, one local disk mounted inside a network folder.
MOUNTINFO = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:23 / /dev/shm rw - tmpfs tmpfs rw
30 22 0:40 / /people rw,relatime shared:7 master:2 - nfs4 server:/people rw,vers=4.2
31 22 0:41 / /lustre rw - lustre mgs@tcp:/fs rw
32 31 254:1 / /lustre/local rw - xfs /dev/vdb rw
33 22 0:42 / /mnt/odd\040name\134here rw - fuse.sshfs host:/ rw
34 22 0:43 / /mnt/café rw - cifs //server/share rw
35 22 254:2 / /data rw - ext4 /dev/vdc rw
36 35 0:44 / /data rw - 9p host rw
""".strip().encode()


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_bytes(MOUNTINFO)
    return path


# Where it is ---------------------------------------------------------------------------------------------------


def test_the_default_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/some/data")
    assert default_path() == Path("/some/data/grmkit/ledger.sqlite")


@pytest.mark.parametrize("unusable", [None, "", "relative/data"])
def test_without_a_usable_data_folder_it_is_under_the_home_folder(
    unusable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    if unusable is not None:
        monkeypatch.setenv("XDG_DATA_HOME", unusable)
    monkeypatch.setenv("HOME", "/somebody")
    assert default_path() == Path("/somebody/.local/share/grmkit/ledger.sqlite")


def test_a_user_without_a_home_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a container's nameless user
    with pytest.raises(LedgerError, match=r"no home folder .* give a path with --ledger, or set XDG_DATA_HOME"):
        default_path()


# How it is made ------------------------------------------------------------------------------------------------


def test_folder_and_file_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "ledger.sqlite"
    before = os.umask(0o022)
    try:
        prepare(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_bytes() == b""


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"kept")
    path.chmod(0o640)
    prepare(path)
    assert path.read_bytes() == b"kept"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("special", ["a folder", "a pipe"])
def test_only_a_regular_file_will_do(special: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.mkdir() if special == "a folder" else os.mkfifo(path)
    with pytest.raises(LedgerError, match=r"ledger.sqlite: this is not a regular file; give the path of a file"):
        prepare(path)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LedgerError, match=r"inside/ledger.sqlite: .*cannot be opened or written .*Not a directory"):
        prepare(tmp_path / "file" / "inside" / "ledger.sqlite")
    with pytest.raises(LedgerError, match=r"File name too long.*give another with --ledger"):
        prepare(tmp_path / ("x" * 300))


# What is there ------------------------------------------------------------------------------------------------


def test_to_be_read_a_file_must_be_there_and_filled(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "ledger.sqlite"
    with pytest.raises(LedgerError, match=r"ledger.sqlite: there is no ledger here yet; `grm score` makes one"):
        check_filled(path)
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    with pytest.raises(LedgerError, match=r"ledger.sqlite: the file is empty, not a ledger yet"):
        check_filled(path)
    with pytest.raises(LedgerError, match=r"folder: this is not a regular file"):
        check_filled(path.parent)
    path.write_bytes(b"x")
    check_filled(path)


def test_files_are_told_apart_whatever_their_name(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    assert file_id(path) is None
    assert file_id(path / "inside") is None
    path.touch()
    assert file_id(path / "inside") is None
    first = file_id(path)
    assert first is not None
    path.rename(other)
    path.touch()
    assert file_id(other) == first != file_id(path)


# Network file systems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/ledger.sqlite", "ext4"),
        ("/dev/shm/ledger.sqlite", "tmpfs"),
        ("/people/me/ledger.sqlite", "nfs4"),
        ("/peoples/ledger.sqlite", "ext4"),  # a longer name is another place
        ("/lustre/me/ledger.sqlite", "lustre"),
        ("/lustre/local/ledger.sqlite", "xfs"),
        ("/mnt/odd name\\here/ledger.sqlite", "fuse.sshfs"),
        ("/mnt/café/ledger.sqlite", "cifs"),
        ("/data/ledger.sqlite", "9p"),  # mounted over what was there
    ],
)
def test_the_nearest_mount_point_counts(place: str, kind: str, mounts: Path) -> None:
    assert file_system_of(Path(place), mounts) == kind


def test_a_link_is_followed_to_where_it_leads(tmp_path: Path, mounts: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/people/me")
    assert file_system_of(link / "ledger.sqlite", mounts) == "nfs4"


def test_a_network_file_system_is_refused_before_anything_is_made(tmp_path: Path, mounts: Path) -> None:
    mounts.write_bytes(MOUNTINFO + b"\n40 22 0:50 / " + bytes(tmp_path) + b" rw - nfs server:/ rw")
    path = tmp_path / "folder" / "ledger.sqlite"
    expected = r"ledger.sqlite: this is on a network file system \(nfs\).*give a path on a local disk with --ledger"
    with pytest.raises(LedgerError, match=expected):
        prepare(path, mounts)
    with pytest.raises(LedgerError, match=expected):
        check_filled(path, mounts)
    assert not path.parent.exists()


def test_where_mounts_are_not_told_nothing_is_refused(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "missing") is None
    prepare(tmp_path / "ledger.sqlite", tmp_path / "missing")


def test_this_machines_own_mounts_can_be_read(tmp_path: Path) -> None:
    if Path("/proc/self/mountinfo").exists():
        assert file_system_of(tmp_path)
