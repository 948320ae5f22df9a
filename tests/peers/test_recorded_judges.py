"""Judgments that others recorded are read as they read them; every difference is listed and explained."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def comparisons(grmkit_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "result.json"
    script = ROOT / "experiments" / "recorded_judges.py"
    env = {**os.environ, "GRMKIT_DATA": str(grmkit_data.resolve()), "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, script, "--output", path], check=True, env=env, capture_output=True)
    return json.loads(path.read_text())


def totals(comparisons, name):
    chosen = [found for found in comparisons if found["judge"].startswith(name)]
    return tuple(sum(found[key] for found in chosen) for key in ("reproduced", "num_judgments"))


def test_o1_mini_on_judgebench_is_reproduced_in_full(comparisons):
    assert totals(comparisons, "JudgeBench o1-mini") == (700, 700)


@pytest.mark.parametrize(
    ("evaluator", "reproduced", "of"), [("GPT-4", 6649, 6650), ("ChatGPT", 6998, 7024), ("LLaMA2", 6930, 6992)]
)
def test_llmbar_is_reproduced_but_for_the_listed_disagreements(comparisons, evaluator, reproduced, of):
    assert totals(comparisons, f"LLMBar {evaluator} ") == (reproduced, of)


def test_no_disagreement_is_unexplained(comparisons):
    whys = [row["why"] for found in comparisons for row in found["disagreements"]]
    assert len(whys) == 89
    assert "unexplained" not in whys


def test_the_committed_result_is_this_one(comparisons):
    assert json.loads((ROOT / "docs" / "results" / "recorded-judges.json").read_text()) == comparisons
