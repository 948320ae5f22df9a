"""Judgments that others recorded are read as they read them; every difference is listed and explained."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from grmkit import load_template

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "experiments" / "recorded_judges.py"


@pytest.fixture(scope="module")
def comparisons(grmkit_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "result.json"
    env = {**os.environ, "GRMKIT_DATA": str(grmkit_data.resolve()), "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, SCRIPT, "--output", path], check=True, env=env, capture_output=True)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def explain():
    spec = importlib.util.spec_from_file_location("recorded_judges", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # its dataclasses look there
    spec.loader.exec_module(script)

    def explained(text, recorded):
        reading = load_template("llm-judge-llmbar").parse(text, 2)
        judgment = SimpleNamespace(
            text=text, order=(0, 1), scores=reading.scores, unparsed_reason=reading.unparsed_reason
        )
        return script.explain(judgment, recorded, script.LABELS)

    return explained


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


def test_each_explanation_has_its_count(comparisons):
    reasons = Counter(row["why"].partition(";")[0] for found in comparisons for row in found["disagreements"])
    assert reasons == {
        "the recording takes (a) wherever the answer has 'Output (a)'": 52,
        "the recording takes (a) wherever the answer has 'Output (a) is better'": 28,
        "names no winner: the answer's last verdict is that neither is better": 5,
        "names no winner: the answer never says that one is better": 1,
        "cut by length: recorded from half an answer, unreadable here": 3,
    }


@pytest.mark.parametrize(
    ("text", "recorded", "why"),
    [
        ("Output (a) is better. No: Output (b) is better.", 0, "the recording takes (a)"),
        ("Output (b)\nAs Output (a) is wrong.", 0, "the recording takes (a)"),
        ("Neither Output (a) nor Output (b) is better.", 0, "names no winner"),
        ("Output (b) is incorrect.", 1, "names no winner"),
        ("Output (a) is better.", 1, "unexplained"),
        ("Output (b) is better.", 0, "unexplained"),
        ("Output (b) is better, Output (a) is not.", None, "unexplained"),
        ("Output (b) is better, but Output (a) is the right choice.", 0, "unexplained"),
    ],
)
def test_an_explanation_has_to_be_true(explain, text, recorded, why):
    assert explain(text, recorded).startswith(why)


def test_the_committed_result_is_this_one(comparisons):
    assert json.loads((ROOT / "docs" / "results" / "recorded-judges.json").read_text()) == comparisons
