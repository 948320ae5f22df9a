"""The guards around the tests hold: the network is shut, missing data is said aloud, skips are counted."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
import pytest

def test_real_data(grmkit_data):
    assert grmkit_data.is_dir()

@pytest.mark.vllm
def test_live_server(vllm_url):
    assert vllm_url
"""
INI = "[pytest]\ntestpaths = tests\nmarkers =\n    vllm: live server\naddopts = -p no:cacheprovider\n"
SKIPS_AS_THEY_ARE = "no-data 1 tests/test_it.py::test_real*\nno-vllm 1 tests/test_it.py::test_live_server\n"


IN_PROCESSES = pytest.mark.parametrize("flags", [(), ("-n", "2")], ids=["alone", "in-two-processes"])


def run_project(
    folder: Path, root: Path, *flags: str, skips: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A project of two tests under our conftest, in CI."""
    tests = folder / "tests"
    tests.mkdir()
    shutil.copy(root / "tests" / "conftest.py", tests)
    (tests / "skips.txt").write_text(skips)
    (tests / "test_it.py").write_text(PROJECT)
    (folder / "pytest.ini").write_text(INI)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRMKIT_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", *flags]
    return subprocess.run(
        command, cwd=folder, env=kept | {"CI": "1"} | environment, capture_output=True, text=True, check=False
    )


def test_the_network_is_shut() -> None:
    with pytest.raises(RuntimeError, match=r"reached for '192\.0\.2\.1'"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match=r"reached for 'example\.org'"):
        socket.getaddrinfo("example.org", 80)


@pytest.mark.parametrize("host", ["nowhere.invalid", b"nowhere.invalid"])
def test_a_name_that_cannot_exist_is_just_unknown(host: str | bytes) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(host, 80)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@IN_PROCESSES
def test_expected_skips_pass(tmp_path: Path, root: Path, flags: tuple[str, ...]) -> None:
    done = run_project(tmp_path, root, *flags, skips=SKIPS_AS_THEY_ARE, GRMKIT_DATA="none")
    assert done.returncode == 0, done.stdout
    assert "2 skipped, as tests/skips.txt expects" in done.stdout


@IN_PROCESSES
def test_a_skip_that_is_not_listed_fails(tmp_path: Path, root: Path, flags: tuple[str, ...]) -> None:
    done = run_project(tmp_path, root, *flags, skips="", GRMKIT_DATA="none")
    assert done.returncode == 1
    assert "skipped, but not on the list: tests/test_it.py::test_real_data" in done.stdout


def test_a_count_that_differs_fails(tmp_path: Path, root: Path) -> None:
    done = run_project(tmp_path, root, skips=SKIPS_AS_THEY_ARE, GRMKIT_DATA="none", GRMKIT_VLLM_URL="http://localhost")
    assert done.returncode == 0, done.stdout
    two = SKIPS_AS_THEY_ARE.replace("no-data 1", "no-data 2")
    shutil.rmtree(tmp_path / "tests")
    done = run_project(tmp_path, root, skips=two, GRMKIT_DATA="none")
    assert done.returncode == 1
    assert "1 skipped, the list expects 2" in done.stdout


def test_data_that_nobody_mentioned_fails(tmp_path: Path, root: Path) -> None:
    done = run_project(tmp_path, root, skips=SKIPS_AS_THEY_ARE)
    assert done.returncode == 1
    assert "GRMKIT_DATA is not set; set it to the data folder, or to `none` to go without" in done.stdout


@pytest.mark.parametrize(("value", "words"), [("", "GRMKIT_DATA is not set"), ("no/such/folder", "which is no folder")])
def test_ci_refuses_to_start_without_data(value: str, words: str, tmp_path: Path, root: Path) -> None:
    script = tmp_path / "clone" / ".ci" / "run"
    script.parent.mkdir(parents=True)
    shutil.copy(root / ".ci" / "run", script)
    done = subprocess.run([str(script)], env=os.environ | {"GRMKIT_DATA": value}, capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr
