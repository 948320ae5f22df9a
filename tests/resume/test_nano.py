"""The judge that ships gives the same bytes on a second run, in a second process and after a kill."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from grmkit.nano.world import items

START = [sys.executable, "-c", "from grmkit.cli import main; main()", "score"]
NUM_ITEMS, NUM_KILLS = 60, 4

pytestmark = pytest.mark.timeout(400)  # a slow core draws 25 judgments a second


def start(folder: Path, name: str, *flags: str, samples: int = 8) -> "subprocess.Popen[str]":
    files = [str(folder / "items.jsonl"), "-o", str(folder / f"{name}.jsonl")]
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [*START, *files, "--samples", str(samples), "--ledger", str(folder / f"{name}.sqlite"), *flags],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
    )


def finish(process: "subprocess.Popen[str]") -> str:
    error = process.communicate()[1]
    assert process.returncode == 0, error
    return error


def num_judgments(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT count(*) FROM judgments").fetchone()[0]
        except sqlite3.OperationalError:  # killed before the tables were there
            return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the items, and what one process alone, never interrupted, makes of them: `whole`."""
    folder = tmp_path_factory.mktemp("nano")
    rows = [
        {"id": item.example.id, "query": item.example.query, "responses": list(item.example.responses)}
        for item in items("validation", NUM_ITEMS)
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    finish(start(folder, "whole"))
    return folder


@pytest.fixture
def whole(folder: Path) -> bytes:
    return (folder / "whole.jsonl").read_bytes()


def test_second_runs_and_second_processes_give_the_same_bytes(folder, whole):
    finish(start(folder, "two"))
    assert whole == (folder / "two.jsonl").read_bytes(), "another process, another ledger"
    said = finish(start(folder, "two"))
    assert whole == (folder / "two.jsonl").read_bytes(), "the same ledger"
    assert " 0 asked for in 0 requests" in said
    finish(start(folder, "other", "--seed", "1"))
    assert whole != (folder / "other.jsonl").read_bytes(), "another seed is another draw"


def test_fewer_samples_first_change_nothing(folder, whole):
    finish(start(folder, "grown", samples=3))
    finish(start(folder, "grown", samples=8))
    assert (folder / "grown.jsonl").read_bytes() == whole


def test_two_processes_share_one_ledger_and_agree(folder, whole):
    pair = [start(folder, "shared"), start(folder, "shared", "-o", str(folder / "second.jsonl"))]
    for process in pair:
        finish(process)
    assert whole == (folder / "shared.jsonl").read_bytes() == (folder / "second.jsonl").read_bytes()
    assert num_judgments(folder / "shared.sqlite") == num_judgments(folder / "whole.sqlite")


def test_kills_change_nothing(folder, whole):
    total, moment, num_interrupted = num_judgments(folder / "whole.sqlite"), random.Random(3), 0
    for _ in range(NUM_KILLS):
        process, before = start(folder, "killed"), num_judgments(folder / "killed.sqlite")
        deadline = time.monotonic() + 30
        while num_judgments(folder / "killed.sqlite") == before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moment.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        num_interrupted += 0 < num_judgments(folder / "killed.sqlite") < total
    assert num_interrupted >= 2, "the kills came too early or too late to prove anything"
    finish(start(folder, "killed"))
    assert (folder / "killed.jsonl").read_bytes() == whole
