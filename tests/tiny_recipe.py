"""Recipes small enough for a test: three steps, twelve items of the small world, and a model of 130,000 random weights.

The random model has the tokens of the judge that ships; what it writes cannot be read, so that judge samples for it.
"""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from grmkit.config.recipe import make_recipe
from grmkit.config.train import Recipe
from grmkit.nano import JUDGE

TINY_JUDGE = Path(__file__).parents[1] / "recipes" / "nano" / "tiny"
"""A judge whose judgments can be read, a fifth of the size of the one that ships."""
NUM_ITEMS, NUM_STEPS, CONTEXT = 12, 3, 1024
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
TIMES = ("train_runtime", "train_samples_per_second", "train_steps_per_second", "step_time")
"""Metrics that tell how fast the machine is."""
TRL_LAGS = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")
"""TRL asks transformers by names that it takes back."""


def make_model(folder: Path) -> Path:
    """A model of two layers that reads what the judge that ships reads."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    for name in TOKENIZER:
        shutil.copy(JUDGE / name, folder / name)
    config = transformers.Qwen3Config(
        vocab_size=json.loads((JUDGE / "config.json").read_text())["vocab_size"],
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    with warnings.catch_warnings(), torch.random.fork_rng([]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        transformers.Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def optim(batch: int = 4, learning_rate: float = 1e-3, **how: Any) -> dict[str, Any]:
    told = {"batch": batch, "learning_rate": learning_rate, "steps": NUM_STEPS, "max_length": CONTEXT}
    return told | {"schedule": "constant_with_warmup"} | how


def stages(judge: str | None = "nano") -> dict[str, dict[str, Any]]:
    """What each of the three recipes is told, but for its model."""
    run = {"log_every": 1, "save_every": 100, "device": "cpu"}
    sampling = {"judge": judge, "samples": 4, "temperature": 0.7, "max_tokens": 300}
    return {
        "rft": {
            "data": {"num": NUM_ITEMS, "references": False, "seed": 1, "general": "nano", "general_share": 0.2},
            "sampling": sampling,
            "optim": optim(),
            "run": run,
        },
        "grpo": {
            "data": {"num": NUM_ITEMS, "references": False, "seed": 2},
            "easy": sampling | {"samples": 2, "hinted_samples": 0},
            "rollout": {"max_tokens": 160},
            "optim": optim(8),
            "run": run,
        },
        "meta_rm": {
            "data": {"num": NUM_ITEMS, "references": False, "seed": 3},
            "sampling": sampling | {"hinted_samples": 0},
            "held_out": 0.5,
            "optim": optim(),
            "run": run,
        },
    }


def tiny(kind: str, model: Path | str, **groups: dict[str, Any]) -> Recipe:
    """One recipe; groups such as `run={"save_every": 1}` are laid over what it is told otherwise."""
    told = stages()[kind]
    merged = {name: told.get(name, {}) | group for name, group in groups.items()}
    return make_recipe({"recipe": kind, "model": str(model), "template": "nano", **told, **merged}, "a test")


def tiny_spct(model: Path | str, *, save_every: int = 100) -> dict[str, Any]:
    """All three, as a recipe's values; each but the first samples with the model of the one before it."""
    told = {name: {"template": "nano", **values} for name, values in stages().items()}
    for values in told.values():
        values["run"] = values["run"] | {"save_every": save_every}
    return {"recipe": "spct", "model": str(model), "meta_rm_starts_from": "grpo", **told}


def to_toml(values: dict[str, Any], table: str = "") -> str:
    """A recipe's file: plain keys first, then a table for every group."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    for name, group in values.items():
        if isinstance(group, dict):
            lines += [f"[{table}{name}]", to_toml(group, f"{table}{name}.")]
    return "\n".join(lines)


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in TIMES}
