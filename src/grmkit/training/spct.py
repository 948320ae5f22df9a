"""All of SPCT in one run: from a base model to a judge and the meta RM that guides it.

Each stage has a folder of its own and is left alone once it is done; a killed run goes on in the stage it was in.
"""

from pathlib import Path
from typing import Any

from grmkit.config.train import SpctConfig
from grmkit.training.grpo import grpo
from grmkit.training.meta_rm import meta_rm
from grmkit.training.rft import TRAJECTORIES, rft
from grmkit.training.run_folder import RunFolder


def spct(config: SpctConfig, path: Path) -> dict[str, Any]:
    """Run all stages in this folder, or go on with them; returns the reports of all.

    Raises:
        GrmkitError: If something is missing or cannot go on; what has been sampled and trained is kept.
    """
    folder = RunFolder(path, config)
    models = {"base": config.model, "rft": str(path / "rft" / "model"), "grpo": str(path / "grpo" / "model")}
    reports = {"rft": rft(config.rft.model_copy(update={"model": config.model}), path / "rft")}
    reports["grpo"] = grpo(config.grpo.model_copy(update={"model": models["rft"]}), path / "grpo")
    sampling = config.meta_rm.sampling
    sampling = sampling.model_copy(update={"judge": sampling.judge or models["grpo"]})  # it may be served elsewhere
    stage = {"model": config.meta_rm.model or models[config.meta_rm_starts_from], "sampling": sampling}
    stage["trajectories"] = str(path / "rft" / TRAJECTORIES)
    reports["meta_rm"] = meta_rm(config.meta_rm.model_copy(update=stage), path / "meta_rm")
    return folder.finish(
        {
            "recipe": "spct",
            "models": {"judge": models["grpo"], "meta_rm": str(path / "meta_rm" / "model")},
            **reports,
        }
    )
