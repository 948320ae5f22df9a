"""Kill `grm score` at random moments, resume it, and hold it to its promise."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from fake_server import FakeServer, model
from grmkit.backends import Sampling
from grmkit.scoring.sampling import make_plan
from grmkit.templates import load_template
from grmkit.types import Example
from live_server import judge, live_server

SAMPLES = 4
EXAMPLES = [Example(f"query {i}", (f"first {i}", f"second {i}"), id=f"p{i}") for i in range(250)]
NUM_KILLS = 20
START = [sys.executable, "-c", "from grmkit.cli import main; main()", "score"]


def start(server: FakeServer, folder: Path, name: str) -> "subprocess.Popen[str]":
    args = [
        str(folder / "pairs.jsonl"),
        "-o",
        str(folder / f"{name}.jsonl"),
        "--ledger",
        str(folder / f"{name}.sqlite"),
    ]
    flags = ["--judge", server.url, "--samples", str(SAMPLES), "--concurrency", "8"]
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [*START, *args, *flags], stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": source}
    )


def finish(process: "subprocess.Popen[str]") -> int:
    process.communicate()
    return process.returncode


def by_name() -> dict[tuple[str, str, int], tuple[str, int]]:
    """What a ledger calls a judgment (example, order, stream), and what a server is asked for it (prompt, seed)."""
    names = {}
    for example in EXAMPLES:
        plan = make_plan(example, load_template("deepseek-grm"), Sampling(), SAMPLES)
        for order, stream in plan.schedule:
            prompt = plan.prompts[order].messages[0].content
            name = (example.id, ",".join(map(str, order)), stream)
            names[name] = (prompt, plan.seeds[order] + stream)
    return names


def committed(path: Path) -> set[tuple[str, str, int]]:
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT e.name, j.ordering, j.stream FROM judgments j JOIN examples e ON e.id = j.example"
        try:
            return set(connection.execute(sql))
        except sqlite3.OperationalError:  # killed before the tables were there
            return set()


def asked(server: FakeServer, since: int = 0) -> list[tuple[str, int]]:
    chats = server.chats[since:]
    return [(chat["messages"][-1]["content"], chat["seed"] + i) for chat in chats for i in range(chat["n"])]


def kill_at_random(process: "subprocess.Popen[str]", server: FakeServer, before: int, moment: random.Random) -> str:
    """Kill while starting, or a random moment after this run's first request."""
    if moment.random() < 0.15:
        time.sleep(moment.uniform(0.0, 0.4))
    else:
        deadline = time.monotonic() + 30
        while len(server.chats) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(moment.uniform(0.0, 0.15))
    process.send_signal(signal.SIGKILL)
    return process.communicate()[1]


@pytest.mark.timeout(300)
def test_twenty_kills_change_nothing_but_what_was_in_flight(tmp_path):
    rows = "".join(json.dumps(example.to_json()) + "\n" for example in EXAMPLES)
    (tmp_path / "pairs.jsonl").write_text(rows)
    names, moment = by_name(), random.Random(20)
    with live_server() as server:
        server.models = [model(owned_by="vllm")]  # takes seeds as they are
        server.answer = lambda payload: judge(payload, delay_s=0.03)
        assert finish(start(server, tmp_path, "whole")) == 0
        assert sorted(asked(server)) == sorted(names.values())
        server.seen.clear()
        errors, num_interrupted = "", 0
        for _ in range(NUM_KILLS):
            safe = {names[name] for name in committed(tmp_path / "killed.sqlite")}
            before = len(server.chats)
            errors += kill_at_random(start(server, tmp_path, "killed"), server, before, moment)
            assert safe.isdisjoint(asked(server, before))
            num_interrupted += 0 < len(committed(tmp_path / "killed.sqlite")) < len(names)
            assert not (tmp_path / "killed.jsonl").exists()
        safe, before = {names[name] for name in committed(tmp_path / "killed.sqlite")}, len(server.chats)
        final = start(server, tmp_path, "killed")
        errors += final.communicate()[1]
        assert final.returncode == 0
        assert safe.isdisjoint(asked(server, before))
        num_paid_twice = len(asked(server)) - len(names)
    assert num_interrupted >= 10, "the kills came too early or too late to prove anything"
    assert (tmp_path / "killed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    counted = sum(int(number) for number in re.findall(r"(\d+) judgments were in flight", errors))
    assert 0 < num_paid_twice <= counted


def test_ctrl_c_keeps_what_is_done_and_says_how_to_resume(tmp_path):
    rows = "".join(json.dumps(example.to_json()) + "\n" for example in EXAMPLES)
    (tmp_path / "pairs.jsonl").write_text(rows)
    with live_server() as server:
        server.models = [model(owned_by="vllm")]  # takes seeds as they are
        server.answer = lambda payload: judge(payload, delay_s=0.05)
        process = start(server, tmp_path, "stopped")
        while len(server.chats) < 20:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        error = process.communicate()[1]
        num_asked = len(asked(server))
        assert process.returncode == 130
        assert "requests under way finish first" in error
        assert "run the same command again" in error
        assert len(committed(tmp_path / "stopped.sqlite")) == num_asked, "what was under way was kept"
        done = (tmp_path / "stopped.jsonl.part").read_text().splitlines()
        assert [json.loads(line)["id"] for line in done] == [example.id for example in EXAMPLES[: len(done)]]
        assert finish(start(server, tmp_path, "stopped")) == 0
        assert sorted(asked(server)) == sorted(by_name().values()), "nothing was paid for twice"


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    (tmp_path / "pairs.jsonl").write_text(json.dumps(EXAMPLES[0].to_json()) + "\n")
    with live_server() as server:
        server.models = [model(owned_by="vllm")]  # takes seeds as they are
        server.answer = lambda payload: judge(payload, delay_s=60)
        process = start(server, tmp_path, "left")
        while len(server.chats) < 2:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert "Traceback" not in error
