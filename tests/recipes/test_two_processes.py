"""The recipes in two processes over gloo, as torchrun starts them: replicated, and one of them sharded."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.numpy import load_file

from grmkit.nano import JUDGE
from tiny_recipe import NUM_STEPS, without_times

pytestmark = pytest.mark.timeout(420)

TESTS = Path(__file__).parents[1]
KINDS, SHARDED, GROUP = ("rft", "grpo", "meta_rm"), ("rft", "meta_rm"), 4


@pytest.fixture(scope="module")
def ran(tiny_model, tmp_path_factory):
    """The folder in which two processes ran everything, and what each of them noted."""
    folder = tmp_path_factory.mktemp("two")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    told = [str(TESTS / "two_processes.py"), str(tiny_model), str(JUDGE), str(folder)]
    source = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    environment = os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*start, *told], env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    notes = [json.loads((folder / f"notes-{rank}.json").read_text()) for rank in range(2)]
    return SimpleNamespace(folder=folder, notes=notes)


def read_metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def metrics(folder, name):
    return [row[name] for row in read_metrics(folder) if name in row]


@pytest.mark.parametrize("kind", KINDS)
def test_one_process_samples_and_writes_and_both_know(ran, kind):
    one, other = (notes[f"{kind} report"] for notes in ran.notes)
    assert one == other == json.loads((ran.folder / kind / "report.json").read_text())
    assert len(metrics(ran.folder / kind, "loss")) == NUM_STEPS
    assert not [path for path in (ran.folder / kind).rglob("*") if path.suffix in (".new", ".part")]
    assert not (ran.folder / kind / "checkpoints").exists()
    assert (ran.folder / kind / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_replicated_weights_are_whole_in_each(ran, kind):
    for notes in ran.notes:
        assert not notes[kind]["kind"].startswith("FSDP")
        assert notes[kind]["here"] == notes[kind]["all"]


def test_a_group_is_in_one_process_and_its_orders_are_balanced(ran):
    for batches in zip(*(notes["asked"][:NUM_STEPS] for notes in ran.notes), strict=True):
        asked = [{index for index, _, _ in batch} for batch in batches]
        assert not asked[0] & asked[1], "the two are asked for different examples"
        for batch in batches:
            assert len(batch) % GROUP == 0
            for first in range(0, len(batch), GROUP):
                check_group(batch[first : first + GROUP])


def check_group(group):
    assert len({index for index, _, _ in group}) == 1
    for place in range(len(group[0][1])):
        shown = Counter(order[place] for _, order, _ in group)
        assert max(shown.values()) - min(shown.get(response, 0) for response in group[0][1]) <= 1
    found = {order[label] if isinstance(label, int) else order[label.index(max(label))] for _, order, label in group}
    assert len(found) == 1, "the label follows its response"


def test_rewards_are_those_of_the_rule(ran):
    rewards, accuracies = (metrics(ran.folder / "grpo", name) for name in ("reward", "accuracy"))
    assert rewards == pytest.approx([2 * accuracy - 1 for accuracy in accuracies], abs=1e-6)
    assert metrics(ran.folder / "grpo", "kl")[0] == 0, "both begin at the reference policy"


def test_a_loss_is_the_mean_over_both(ran):
    assert metrics(ran.folder / "meta_rm", "loss")[0] == pytest.approx(math.log(2), abs=0.15)
    assert metrics(ran.folder / "rft", "loss")[0] == pytest.approx(math.log(3072), abs=0.15)


def test_both_go_on_from_where_they_stopped(ran):
    assert [notes["stopped"] for notes in ran.notes] == [2, 2]
    stopped, whole = ran.folder / "stopped", ran.folder / "rft"
    told, expected = ([*map(without_times, read_metrics(folder))] for folder in (stopped, whole))
    assert len(told) == NUM_STEPS
    assert told == expected
    weights = [(folder / "model" / "model.safetensors").read_bytes() for folder in (stopped, whole)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("kind", SHARDED)
def test_sharding_is_real(ran, kind):
    for notes in ran.notes:
        told = notes[f"sharded {kind}"]
        assert told["kind"].startswith("FSDPQwen3For")
        assert told["here"] == pytest.approx(told["all"] / 2, rel=1e-3)  # a head of one row lies in one of them


@pytest.mark.parametrize("kind", SHARDED)
def test_sharding_changes_nothing(ran, kind):
    for name in ("loss", "grad_norm"):
        expected = metrics(ran.folder / kind, name)
        assert metrics(ran.folder / f"sharded {kind}", name) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind", SHARDED)
def test_sharded_weights_are_saved_whole(ran, kind):
    one, other = (load_file(ran.folder / name / "model" / "model.safetensors") for name in (kind, f"sharded {kind}"))
    assert one.keys() == other.keys()
    assert all(abs(one[name] - other[name]).max() < 2e-3 for name in one)  # of a weight that moved 3e-3, in 16 bits
    for name in ("config.json", "generation_config.json"):
        texts = [ran.folder / folder / "model" / name for folder in (kind, f"sharded {kind}")]
        assert len({path.read_text() for path in texts if path.exists()}) <= 1


def test_what_would_not_be_sharded_is_refused(ran):
    assert all("accelerate shards no weights on a CPU" in notes["refused"] for notes in ran.notes)
