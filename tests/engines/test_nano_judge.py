"""The judge that ships: its files, and that it judges alike in both engines of this process."""

import json
from dataclasses import replace

import pytest

from grmkit.backends import Sampling
from grmkit.nano import JUDGE
from grmkit.nano.world import items
from grmkit.scoring import load

MAX_BYTES = 6_000_000


@pytest.fixture(scope="module")
def examples():
    return [replace(item.example, reference=None) for item in items("validation", 24)]


@pytest.fixture(scope="module")
def greedy(examples):
    """Greedy verdicts of both engines."""
    found = {}
    for engine in ("ctranslate2", "transformers"):
        judge = load(f"{engine}:{JUDGE}", template="nano", ledger=None, sampling=Sampling(0.0, max_tokens=512))
        found[engine] = judge.score_all(examples, samples=1)
        judge.close()
    return found


def test_it_is_small_and_whole():
    files = {str(path.relative_to(JUDGE)): path for path in JUDGE.rglob("*") if path.is_file()}
    assert sum(path.stat().st_size for path in files.values()) <= MAX_BYTES
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "ctranslate2/model.bin"} <= files.keys()
    assert "checkpoint.pt" not in files


def test_its_architecture_is_one_that_others_can_load():
    config = json.loads((JUDGE / "config.json").read_text())
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["head_dim"] % 32 == 0, "what vLLM's kernels for a CPU take"


def test_both_engines_judge_alike(greedy):
    ours, theirs = greedy["ctranslate2"], greedy["transformers"]
    assert [verdict.scores for verdict in ours] == [verdict.scores for verdict in theirs]


def test_it_can_be_read_and_knows_something(greedy, examples):
    verdicts = greedy["ctranslate2"]
    assert sum(verdict.scores is not None for verdict in verdicts) >= 22
    pairs = [(v.best, e.best) for v, e in zip(verdicts, examples, strict=True) if len(e.responses) == 2]
    assert sum(ours == gold for ours, gold in pairs) > len(pairs) / 2
