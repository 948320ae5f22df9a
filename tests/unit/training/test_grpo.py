from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grmkit.config.train import GrpoConfig, GuardConfig
from grmkit.errors import TrainingError
from grmkit.training.grpo import guard, leave_out_long
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
