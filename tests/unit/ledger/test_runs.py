from pathlib import Path

import pytest

from grmkit.ledger import runs


def files(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def test_a_run_lives_while_it_holds_its_lock(path: Path) -> None:
    lock = runs.hold(path, 0xAB)
    assert files(path) == {"ledger.sqlite.run-ab.lock"}
    assert runs.is_alive(path, 0xAB)
    runs.drop(lock)
    assert files(path) == set()
    assert not runs.is_alive(path, 0xAB)


def test_asking_leaves_no_file(path: Path) -> None:
    assert not runs.is_alive(path, 1)
    assert files(path) == set()


def test_a_file_nobody_holds_is_a_dead_run(path: Path) -> None:
    Path(f"{path}.run-1.lock").touch()
    assert not runs.is_alive(path, 1)
    runs.forget(path, 1)
    runs.forget(path, 1)
    assert files(path) == set()


def test_only_who_can_find_out_takes_a_run_for_dead(path: Path) -> None:
    lock = runs.hold(path, 1)
    assert not runs.is_dead_for_sure(path, 1)
    runs.drop(lock)
    assert runs.is_dead_for_sure(path, 1)
    Path(f"{path}.run-2.lock").mkdir()  # not to be opened, like a file of somebody else
    assert not runs.is_dead_for_sure(path, 2)


def test_the_lock_file_is_the_owners_alone(path: Path) -> None:
    lock = runs.hold(path, 1)
    assert Path(f"{path}.run-1.lock").stat().st_mode & 0o777 == 0o600
    runs.drop(lock)


def test_in_memory_there_are_no_files_and_no_others() -> None:
    assert runs.hold(None, 1) is None
    assert runs.is_alive(None, 1)
    runs.sweep(None, [])
    runs.forget(None, 1)
    runs.drop(None)


def test_numbers_do_not_repeat() -> None:
    numbers = {runs.new_number() for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(0 <= number < 1 << 63 for number in numbers)


def test_sweeping_removes_only_dead_runs_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "a [b]*.sqlite"
    living = runs.hold(path, 1)
    for name in ("run-2.lock", "run-3.lock", "run-.lock", "run-xyz.lock", "run-4.lock.bak"):
        Path(f"{path}.{name}").touch()
    (tmp_path / "a b.sqlite.run-2.lock").touch()
    runs.sweep(path, {3})
    assert files(path) == {
        "a [b]*.sqlite.run-1.lock",
        "a [b]*.sqlite.run-3.lock",
        "a [b]*.sqlite.run-.lock",
        "a [b]*.sqlite.run-xyz.lock",
        "a [b]*.sqlite.run-4.lock.bak",
        "a b.sqlite.run-2.lock",
    }
    runs.drop(living)


def test_a_lock_file_that_cannot_be_made_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        runs.hold(tmp_path / ("x" * 250), 1)
