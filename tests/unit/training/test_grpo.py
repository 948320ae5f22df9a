from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grmkit.config.train import GrpoConfig, GuardConfig
from grmkit.errors import RecipeError, TrainingError
from grmkit.training import grpo as module
from grmkit.training.grpo import guard, in_short, leave_out_long, meta_rm_for
from grmkit.training.loop import stop_ids
from grmkit.training.run_folder import RunFolder
from grmkit.types import Example


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run", GrpoConfig(model="m"))


def see(watcher: Any, step: int, **logs: float) -> None:
    watcher.on_log(None, SimpleNamespace(global_step=step), None, logs=logs)


def test_a_domain_that_collapses_stops_the_training(folder: RunFolder) -> None:
    watcher = guard(GuardConfig(window=2, max_drop=0.1), folder)
    for step, accuracy in enumerate([0.8, 0.8, 0.75, 0.7], start=1):
        see(watcher, step, **{"accuracy/safety": accuracy, "accuracy/notes": 0.5, "loss": 0.0})
    with pytest.raises(TrainingError, match=r"at step 5 safety has collapsed: its accuracy was 0.800 at first and is"):
        see(watcher, 5, **{"accuracy/safety": 0.6})


def test_a_slow_start_is_no_collapse(folder: RunFolder) -> None:
    watcher = guard(GuardConfig(window=3, max_drop=0.1), folder)
    for step, accuracy in enumerate([0.9, 0.1], start=1):
        see(watcher, step, **{"accuracy/safety": accuracy})


def test_a_window_is_in_steps(folder: RunFolder) -> None:
    watcher = guard(GuardConfig(window=20, max_drop=0.1), folder, log_every=10)
    for step, accuracy in ((10, 0.9), (20, 0.9), (30, 0.8)):
        see(watcher, step, **{"accuracy/safety": accuracy})
    with pytest.raises(TrainingError, match="at step 40 safety has collapsed"):
        see(watcher, 40, **{"accuracy/safety": 0.7})


@pytest.mark.parametrize(("steps", "window"), [(900, 50), (150, 50), (30, 10), (3, 5)])
def test_a_short_training_has_a_short_window(steps: int, window: int) -> None:
    assert in_short(GuardConfig(max_drop=0.2), steps) == GuardConfig(window=window, max_drop=0.2)


def test_a_window_that_is_short_stays() -> None:
    assert in_short(GuardConfig(window=2), 900).window == 2


def test_a_meta_rm_of_another_template_is_refused() -> None:
    """The one that ships reads what the judge that ships writes."""
    told = {"meta_rm": "nano", "meta_weight": 0.5}
    assert meta_rm_for(GrpoConfig.model_validate({"template": "nano", "reward": told})).template.prompt_text
    with pytest.raises(RecipeError, match=r"reward.meta_rm is 'nano': meta_rm was trained for nano judges"):
        meta_rm_for(GrpoConfig.model_validate({"reward": told}))


def test_principles_are_the_policys_and_not_the_filters(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    example = Example("Name 4 animals.", ("owl", "goat"), label=0)
    monkeypatch.setattr(module, "training_examples", lambda *_: ([example], {}))
    monkeypatch.setattr(module, "draw", lambda judge, examples, _: asked.append(judge) or [(examples[0], None)])
    monkeypatch.setattr(module, "is_too_easy", lambda *_: False)
    monkeypatch.setattr(module, "with_principles", lambda judge, examples: asked.append(judge) or (examples, 0))
    monkeypatch.setattr(module, "leave_out_long", lambda _, __, examples: examples)
    told = {
        "easy": {"judge": "http://weak:8000/v1", "model": "weak"},
        "rollout": {"query_principles": True, "group": 2},
    }
    module.choose(GrpoConfig.model_validate({"model": "policy", "optim": {"batch": 2}, **told}), folder, None)
    assert [(judge.name, judge.model) for judge in asked] == [("http://weak:8000/v1", "weak"), ("policy", None)]


def test_lengths_leave_room_for_a_judgment() -> None:
    from transformers import AutoTokenizer

    from grmkit.nano import JUDGE

    config = GrpoConfig.model_validate(
        {
            "model": "m",
            "template": "nano",
            "rollout": {"group": 2, "max_tokens": 100},
            "optim": {"batch": 2, "max_length": 140},
        }
    )
    tokenizer = AutoTokenizer.from_pretrained(JUDGE)
    short, long = Example("Name 4 animals.", ("owl", "goat"), label=0), Example("owl " * 200, ("owl", "goat"), label=0)
    assert leave_out_long(config, tokenizer, [long, short]) == [short]
    with pytest.raises(TrainingError, match="all 1 prompts are longer than 40 tokens"):
        leave_out_long(config, tokenizer, [long])


def test_the_tokens_that_end_a_judgment() -> None:
    tokenizer = SimpleNamespace(eos_token_id=2)
    for told, expected in ((5, {2, 5}), ([3, 4], {2, 3, 4})):
        assert stop_ids(SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=told)), tokenizer) == expected
