"""Other processes to share a ledger with: small scripts, which get the ledger's path and answer line by line."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PRELUDE = """
import ctypes, os, resource, signal, sys, time
from grmkit.errors import LedgerError
from grmkit.ledger import JudgeKey, Ledger, Stored

path = sys.argv[1]

def place(ledger, query="Q"):
    judge = ledger.judge_id(JudgeKey({"model": "m"}, "t", "f", {"temperature": 1.0}))
    return judge, ledger.example_id({"query": query, "responses": ["a", "b"]}, "e1"), (0, 1)

def say(*words):
    print(*words, flush=True)

def tell(action):
    try:
        action()
    except LedgerError as error:
        say(str(error).replace(path, "PATH"))
    else:
        say("no error")

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def become_ordinary():
    # Root may write where permissions forbid it; without capabilities it may not.
    if os.geteuid() == 0:
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        assert ctypes.CDLL(None).capset(header, none) == 0
"""

Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., list[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start a script on the ledger; it is killed after the test if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def start_script(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + script, str(path), *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start_script
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def run(start: Start) -> Run:
    """Run a script on the ledger to its end; gives the lines it wrote."""

    def run_script(script: str, *arguments: str | Path) -> list[str]:
        child = start(script, *arguments)
        written, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        return written.splitlines()

    return run_script
