"""Principles written once per query, by processes that are killed and by two at once: asked once, the same verdicts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fake_server import FakeServer, model
from live_server import judge, live_server

START = [sys.executable, "-c", "from grmkit.cli import main; main()", "score"]
NUM_QUERIES = 8
ROWS = [
    {"id": f"p{i}", "query": f"query {i % NUM_QUERIES}", "responses": [f"first {i}", f"second {i}"]} for i in range(80)
]


def start(server: FakeServer, folder: Path, output: str, ledger: str) -> "subprocess.Popen[str]":
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    files = [str(folder / "pairs.jsonl"), "-o", str(folder / output), "--ledger", str(folder / ledger)]
    flags = ["--judge", server.url, "--samples", "2", "--concurrency", "4", "--principles", "query"]
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [*START, *files, *flags], stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": source}
    )


def finish(process: "subprocess.Popen[str]") -> str:
    error = process.communicate()[1]
    assert process.returncode == 0, error
    return error


def queries_asked(server: FakeServer) -> Counter[str]:
    """How often each query was asked about for its principles."""
    prompts = [chat["messages"][-1]["content"] for chat in server.chats]
    about = [prompt for prompt in prompts if "You do not see the answers" in prompt]
    return Counter(line for prompt in about for line in prompt.splitlines() if line.startswith("query "))


@pytest.mark.timeout(120)
def test_two_processes_at_once_and_one_that_is_killed_ask_once_and_say_the_same(tmp_path):
    with live_server() as server:
        server.models = [model(owned_by="vllm")]  # takes seeds as they are
        server.answer = lambda payload: judge(payload, delay_s=0.03)
        told = finish(start(server, tmp_path, "whole.jsonl", "whole.sqlite"))
        assert f"principles: {NUM_QUERIES} queries, {NUM_QUERIES} written; {NUM_QUERIES} asked for" in told
        assert set(queries_asked(server).values()) == {1}
        whole = (tmp_path / "whole.jsonl").read_bytes()

        server.seen.clear()
        both = [start(server, tmp_path, f"{name}.jsonl", "shared.sqlite") for name in ("one", "other")]
        for process in both:
            finish(process)
        assert len(queries_asked(server)) == NUM_QUERIES
        assert set(queries_asked(server).values()) == {1}
        for name in ("one", "other"):
            lines = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_bytes().splitlines()]
            expected = [json.loads(line) for line in whole.splitlines()]
            assert [line["judgments"] for line in lines] == [line["judgments"] for line in expected]
            assert [line["given"] for line in lines] == [line["given"] for line in expected]

        server.seen.clear()
        for num in (2, 12, 30):
            process = start(server, tmp_path, "killed.jsonl", "killed.sqlite")
            before, deadline = len(server.chats), time.monotonic() + 30
            while len(server.chats) < before + num and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        finish(start(server, tmp_path, "killed.jsonl", "killed.sqlite"))
        asked = queries_asked(server)
        assert len(asked) == NUM_QUERIES
        assert sum(asked.values()) <= NUM_QUERIES + 3 * 4, "no more than what was in flight is asked for again"
    assert (tmp_path / "killed.jsonl").read_bytes() == whole
