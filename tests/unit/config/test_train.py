"""What a recipe may say, and the numbers of the paper as its defaults."""

import pytest
from pydantic import BaseModel, ValidationError

from grmkit.config.train import (
    RECIPES,
    DataConfig,
    GrpoConfig,
    GuardConfig,
    JudgeConfig,
    MetaRmConfig,
    OptimConfig,
    RewardConfig,
    RftConfig,
    RolloutConfig,
    RunConfig,
    SpctConfig,
)

GROUPS = (DataConfig, GuardConfig, JudgeConfig, OptimConfig, RewardConfig, RolloutConfig, RunConfig)


@pytest.mark.parametrize("config", [*RECIPES.values(), *GROUPS])
def test_every_knob_says_what_it_is(config):
    assert issubclass(config, BaseModel)
    assert [name for name, field in config.model_fields.items() if not field.description] == []
    assert config.model_config["extra"] == "forbid"
    assert config.model_config["frozen"] is True


def test_the_paper():
    """arXiv 2504.02495, section 3.2 and C.1."""
    assert (RftConfig().optim.learning_rate, RftConfig().optim.steps) == (5e-6, 900)
    assert (RftConfig().sampling.samples, RftConfig().sampling.hinted_samples) == (3, 1)
    grpo = GrpoConfig()
    assert (grpo.optim.learning_rate, grpo.optim.steps, grpo.rollout.group, grpo.beta) == (4e-7, 900, 4, 0.08)
    assert (grpo.easy.samples, grpo.easy.hinted_samples) == (3, 0)
    assert (MetaRmConfig().optim.learning_rate, MetaRmConfig().sampling.samples) == (1e-5, 3)
    assert MetaRmConfig().sampling.hinted_samples == 0


def test_a_recipe_is_named_by_its_key():
    assert [config(model="x").recipe for config in RECIPES.values()] == list(RECIPES)


def test_only_all_of_it_needs_a_model_from_the_start():
    with pytest.raises(ValidationError, match="model"):
        SpctConfig()


@pytest.mark.parametrize(
    ("config", "values"),
    [
        (OptimConfig, {"learning_rate": 0}),
        (OptimConfig, {"learning_rate": float("nan")}),
        (OptimConfig, {"learning_rate": float("inf")}),
        (OptimConfig, {"steps": 0}),
        (OptimConfig, {"weight_decay": -0.1}),
        (OptimConfig, {"batch": 32, "micro_batch": 5}),
        (OptimConfig, {"schedule": "polynomial"}),
        (DataConfig, {"num": 0}),
        (DataConfig, {"general_share": 1.0}),
        (JudgeConfig, {"temperature": 0}),
        (JudgeConfig, {"top_p": 1.1}),
        (JudgeConfig, {"hinted_samples": -1}),
        (RolloutConfig, {"group": 1}),
        (RolloutConfig, {"backend": "sglang"}),
        (GuardConfig, {"max_drop": 0}),
        (RunConfig, {"report_to": ["mlflow"]}),
        (RunConfig, {"device": "tpu"}),
        (GrpoConfig, {"optim": {"batch": 6}}),
        (GrpoConfig, {"optim": {"batch": 8, "micro_batch": 2}}),
        (GrpoConfig, {"reward": {"meta_rm": "x"}}),
        (GrpoConfig, {"reward": {"meta_weight": 0.5}}),
        (MetaRmConfig, {"held_out": 0}),
        (RftConfig, {"run": {"fsdp": True}, "optim": {"adapter_rank": 4}}),
        (GrpoConfig, {"run": {"fsdp": True}, "optim": {"adapter_rank": 4}}),
        (SpctConfig, {"model": "x", "meta_rm_starts_from": "nowhere"}),
        (SpctConfig, {"model": "x", "rft": {"model": "y"}}),
        (SpctConfig, {"model": "x", "grpo": {"model": "y"}}),
        (SpctConfig, {"model": "x", "meta_rm": {"trajectories": "y"}}),
    ],
)
def test_values_out_of_bounds(config, values):
    with pytest.raises(ValidationError):
        config.model_validate(values)


def test_values_at_the_bounds():
    assert OptimConfig(batch=8, micro_batch=8, warmup_steps=0).micro_batch == 8
    assert JudgeConfig(top_p=1, hinted_samples=0).top_p == 1
    assert GrpoConfig.model_validate({"reward": {"meta_rm": "x", "meta_weight": 0.5}}).reward.meta_weight == 0.5
    assert GrpoConfig(beta=0).beta == 0


def test_all_stages_are_of_one_template():
    with pytest.raises(ValidationError, match=r"grpo.template is 'deepseek-grm', rft.template is 'nano'.*all three"):
        SpctConfig.model_validate({"model": "x", "rft": {"template": "nano"}})
    same = {name: {"template": "nano"} for name in ("rft", "grpo", "meta_rm")}
    assert SpctConfig.model_validate({"model": "x", **same}).meta_rm.template == "nano"
