"""The options of online RL, each for three real steps."""

import json

import pytest

from grmkit.errors import BackendDown
from grmkit.models.checkpoint import save_classifier, to_classifier
from grmkit.nano import JUDGE
from grmkit.scoring.meta_rm import PROMPT_FILE
from grmkit.templates.nano import PROMPT
from grmkit.training.grpo import grpo
from tiny_recipe import NUM_ITEMS, NUM_STEPS, TINY_JUDGE, TRL_LAGS, tiny

pytestmark = TRL_LAGS


def rows_of(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if "reward" in row]


@pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning")  # TRL calls it experimental
def test_groups_without_signal_are_replaced(tmp_path):
    plain, replacing = tmp_path / "plain", tmp_path / "replacing"
    grpo(tiny("grpo", TINY_JUDGE), plain)
    grpo(tiny("grpo", TINY_JUDGE, rollout={"replace_groups": 4}), replacing)
    dull = [sum(row["frac_reward_zero_std"] for row in rows_of(folder)) for folder in (plain, replacing)]
    assert dull[1] < dull[0]
    assert sum(row["replaced_groups"] for row in rows_of(replacing)) > 0


def test_a_meta_rm_takes_from_the_reward(tmp_path):
    folder = tmp_path / "meta"
    save_classifier(*to_classifier(JUDGE, seed=0), folder)
    (folder / PROMPT_FILE).write_text(PROMPT.read_text())
    grpo(tiny("grpo", JUDGE, reward={"meta_rm": str(folder), "meta_weight": 0.5}), tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    first = rows[0]
    assert len(rows) == NUM_STEPS
    assert -1 <= first["reward"] < 2 * first["accuracy"] - 1  # by the rule alone it would be the latter


def test_a_language_model_is_no_meta_rm(tmp_path):
    with pytest.raises(BackendDown, match=f"holds no {PROMPT_FILE}; expected a meta RM as `grm train` saves it"):
        grpo(tiny("grpo", JUDGE, reward={"meta_rm": str(JUDGE), "meta_weight": 0.5}), tmp_path / "run")


def test_principles_come_from_the_query_alone(tmp_path):
    report = grpo(tiny("grpo", TINY_JUDGE, rollout={"query_principles": True}), tmp_path / "run")
    assert report["counts"]["items without principles"] < NUM_ITEMS / 2
    rows = [json.loads(line) for line in (tmp_path / "run" / "data.jsonl").read_text().splitlines()]
    assert any(row["principles"] for row in rows)
    assert len(rows_of(tmp_path / "run")) == NUM_STEPS
