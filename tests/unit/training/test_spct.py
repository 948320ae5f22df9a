"""All three stages run for real in tests/recipes/test_spct.py; here, what a stage is told by the one before it."""

from pathlib import Path
from typing import Any

import pytest

from grmkit.config.train import SpctConfig
from grmkit.training import spct as module
from grmkit.training.spct import spct


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each stage was asked for, with the stages left out."""
    asked: dict[str, Any] = {}
    for name in ("rft", "grpo", "meta_rm"):
        monkeypatch.setattr(module, name, lambda config, path, name=name: asked.update({name: (config, path)}) or {})
    return asked


def test_each_stage_starts_from_the_one_before(tmp_path: Path, told: dict[str, Any]) -> None:
    report = spct(SpctConfig(model="base"), tmp_path)
    rft, grpo = str(tmp_path / "rft" / "model"), str(tmp_path / "grpo" / "model")
    assert (told["rft"][0].model, told["grpo"][0].model, told["meta_rm"][0].model) == ("base", rft, "base")
    assert told["meta_rm"][0].sampling.judge == grpo
    assert told["meta_rm"][0].trajectories == str(tmp_path / "rft" / "trajectories.jsonl")
    assert report["models"] == {"judge": grpo, "meta_rm": str(tmp_path / "meta_rm" / "model")}


@pytest.mark.parametrize("stage", ["rft", "grpo"])
def test_a_meta_rm_can_start_from_a_judge(stage: Any, tmp_path: Path, told: dict[str, Any]) -> None:
    spct(SpctConfig(model="base", meta_rm_starts_from=stage), tmp_path)
    assert told["meta_rm"][0].model == str(tmp_path / stage / "model")


def test_a_meta_rm_can_start_from_another_model(tmp_path: Path, told: dict[str, Any]) -> None:
    spct(SpctConfig.model_validate({"model": "base", "meta_rm": {"model": "larger"}}), tmp_path)
    assert told["meta_rm"][0].model == "larger"


def test_the_judge_may_be_served_elsewhere(tmp_path: Path, told: dict[str, Any]) -> None:
    config = SpctConfig.model_validate({"model": "base", "meta_rm": {"sampling": {"judge": "http://host:8000/v1"}}})
    spct(config, tmp_path)
    assert told["meta_rm"][0].sampling.judge == "http://host:8000/v1"
