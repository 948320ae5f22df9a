"""A training that is killed, in whatever it does, and started again gives what an uninterrupted one gives."""

import hashlib
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from fake_server import FakeServer, Reply, chat
from live_server import live_server
from tiny_recipe import TINY_JUDGE, make_model, stages, tiny_spct, to_toml, without_times

START = [sys.executable, "-c", "from grmkit.cli import main; main()", "train"]
PATIENCE_S = 120
STAGES = ("rft", "grpo", "meta_rm")

pytestmark = pytest.mark.timeout(400)


def answer(payload) -> Reply:
    """As the judge that ships writes it, in tokens that it knows; scores are a hash of prompt and seed. Takes time."""
    prompt = payload["messages"][-1]["content"]
    num = len(re.findall(r"^Response \d+: ", prompt, re.MULTILINE))

    def judgment(seed: int) -> str:
        digest = hashlib.sha256(f"{seed}\0{prompt}".encode()).digest()
        scores = ", ".join(str(1 + byte % 10) for byte in digest[:num])
        return f"Specific Criteria:\n1. Truth (Weight: 100%)\n\nAnalysis:\nweighed\n\nScores: \\boxed{{{scores}}}"

    reply = chat(*(judgment(payload["seed"] + i) for i in range(payload["n"])))
    return Reply(reply.status, reply.body, delay_s=0.05)


@pytest.fixture
def server():
    with live_server() as running:
        running.answer = answer
        yield running


@pytest.fixture
def other_server():
    with live_server() as running:
        running.answer = answer
        yield running


def start(recipe: Path, folder: Path, **how) -> "subprocess.Popen[str]":
    source = str(Path(__file__).parents[2] / "src")
    return subprocess.Popen(
        [*START, str(recipe), "-o", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        **how,
    )


def finish(process: "subprocess.Popen[str]") -> dict:
    out, error = process.communicate()
    assert process.returncode == 0, error[-3000:]
    return json.loads(out)


def num_judgments(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT count(*) FROM judgments").fetchone()[0]
        except sqlite3.OperationalError:  # before the tables were there
            return 0


def asked(server: FakeServer) -> list[tuple[str, int]]:
    return [(chat["messages"][-1]["content"], chat["seed"] + i) for chat in server.chats for i in range(chat["n"])]


def is_half_saved(folder: Path) -> bool:
    """A checkpoint is being written, or the model is."""
    checkpoints = list(folder.glob("checkpoints/checkpoint-*"))
    return any(not (path / "trainer_state.json").exists() for path in checkpoints) or bool(list(folder.glob(".model*")))


MOMENTS = {
    "while sampling": lambda run: num_judgments(run / "rft" / "ledger.sqlite") >= 8,
    "while tuning": lambda run: (run / "rft" / "checkpoints" / "checkpoint-1" / "trainer_state.json").exists(),
    "between stages": lambda run: (run / "rft" / "report.json").exists(),
    "while rolling out": lambda run: (run / "grpo" / "checkpoints" / "checkpoint-2" / "trainer_state.json").exists(),
    "while saving": lambda run: is_half_saved(run / "meta_rm"),
}


def kill_when(process: "subprocess.Popen[str]", is_time) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_time():
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def metrics(run: Path, stage: str) -> list[dict]:
    return [without_times(json.loads(line)) for line in (run / stage / "metrics.jsonl").read_text().splitlines()]


def contents(run: Path, stage: str) -> dict:
    """What must not depend on whether it was interrupted."""
    names = ("data.jsonl", "model/model.safetensors", "model/ctranslate2/model.bin")
    return {name: hashlib.sha256((run / stage / name).read_bytes()).hexdigest() for name in names}


def reported(report: dict, run: Path) -> dict:
    """The report without the time its last step took, and without the folder's own name."""
    report = json.loads(json.dumps(report).replace(str(run), "RUN"))
    report["grpo"]["last"] = without_times(report["grpo"]["last"])
    return report


def write_recipe(path: Path, server: FakeServer) -> Path:
    values = tiny_spct(TINY_JUDGE, save_every=1)
    values["rft"]["sampling"] = {"judge": server.url, "samples": 4, "concurrency": 2}
    values["grpo"]["optim"] = values["grpo"]["optim"] | {"micro_batch": 4, "adapter_rank": 4}  # as in recipes/nano
    values["grpo"]["easy"] = {"judge": server.url, "samples": 2, "hinted_samples": 0}
    path.write_text(to_toml(values))
    return path


def test_all_of_it_killed_at_every_stage(tmp_path, server, other_server):
    run, recipe = tmp_path / "cut", write_recipe(tmp_path / "cut.toml", server)
    uninterrupted = start(write_recipe(tmp_path / "whole.toml", other_server), tmp_path / "whole")
    for number, is_time in enumerate(MOMENTS.values()):
        process = start(recipe, run)
        kill_when(process, lambda is_time=is_time: is_time(run))
        if number == 0:
            in_flight = len(asked(server)) - num_judgments(run / "rft" / "ledger.sqlite")
            assert not (run / "rft" / "trajectories.jsonl").exists(), "there was more to sample"
    report = finish(start(recipe, run))
    repeated = len(asked(server)) - len(set(asked(server)))
    assert repeated <= in_flight, "only what was on its way when it was killed is asked for again"
    whole = finish(uninterrupted)
    assert sorted(set(asked(server))) == sorted(asked(other_server))
    assert reported(report, run) == reported(whole, tmp_path / "whole")
    for stage in STAGES:
        assert metrics(run, stage) == metrics(tmp_path / "whole", stage)
        assert [row["step"] for row in metrics(run, stage)] == [1, 2, 3]
        assert contents(run, stage) == contents(tmp_path / "whole", stage)
        assert not (run / stage / "checkpoints").exists()
        assert not list((run / stage).glob(".model*"))


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which processes there are")
def test_no_process_outlives_the_command_that_started_it(tmp_path):
    values = {"recipe": "rft", "model": str(make_model(tmp_path / "tiny")), "template": "nano", **stages()["rft"]}
    values["run"] = values["run"] | {"processes": 2}
    (tmp_path / "recipe.toml").write_text(to_toml(values))
    run = tmp_path / "run"

    def num_alive() -> int:
        found = 0
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended since
                found += str(run).encode() in path.read_bytes()
        return found

    process = start(tmp_path / "recipe.toml", run)
    until = time.monotonic() + PATIENCE_S
    while not (run / "recipe.json").exists():
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < until
        time.sleep(0.01)
    assert num_alive() == 4  # the command, the launcher it starts, and the two that train
    process.kill()
    process.wait()
    until = time.monotonic() + 5  # to train to the end would take them longer
    while num_alive():
        assert time.monotonic() < until
        time.sleep(0.1)
    process.communicate()


def test_a_full_disk_says_how_to_go_on_and_then_it_does(tmp_path):
    """Room for what is sampled and for weights, but not for the optimizer's state."""
    model = make_model(tmp_path / "tiny")
    values = {"recipe": "rft", "model": str(model), "template": "nano", **stages()["rft"]}
    values["run"] = values["run"] | {"save_every": 1}
    values["data"] = values["data"] | {"num": 6}
    (tmp_path / "recipe.toml").write_text(to_toml(values))

    def leave_little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))

    process = start(tmp_path / "recipe.toml", tmp_path / "run", preexec_fn=leave_little_room)
    _, error = process.communicate()
    assert process.returncode == 1, error[-3000:]
    last = error.splitlines()[-1]
    assert last.startswith(f"grm: {tmp_path / 'run'}: cannot be written: ")
    assert last.endswith("make room and run the same command again, it goes on from the start")
    num_kept = num_judgments(tmp_path / "run" / "ledger.sqlite")
    assert num_kept >= 6 * 5
    assert finish(start(tmp_path / "recipe.toml", tmp_path / "run"))["steps"] == 3
    assert num_judgments(tmp_path / "run" / "ledger.sqlite") == num_kept
