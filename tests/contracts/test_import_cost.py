"""grmkit lives inside other people's training loops: importing it is cheap and loads nothing heavy."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = {"torch", "transformers", "trl", "ray", "vllm", "openai", "datasets", "pandas", "pyarrow", "scipy"}
MAX_IMPORT_S = 0.3
MAX_HELP_S = 0.4
TRIES = 5

IMPORT = """
import json, sys, time
before = time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - before, sorted({{name.split(".")[0] for name in sys.modules}})]))
"""


def loaded_by(module: str) -> tuple[float, set[str]]:
    """How long a first import takes, in seconds, and which packages it leaves loaded."""
    done = subprocess.run([sys.executable, "-c", IMPORT.format(module=module)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, names = json.loads(done.stdout)
    return seconds, set(names)


@pytest.mark.parametrize("module", ["grmkit", "grmkit.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(module)[1] & HEAVY


def test_importing_is_fast() -> None:
    assert min(loaded_by("grmkit")[0] for _ in range(TRIES)) < MAX_IMPORT_S


def test_help_is_fast() -> None:
    grm = Path(sys.executable).with_name("grm")
    assert grm.exists(), "the grm command is not installed; run `pip install -e .`"
    assert min(seconds_of([str(grm), "--help"]) for _ in range(TRIES)) < MAX_HELP_S


def seconds_of(command: list[str]) -> float:
    before = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - before
