"""Who judges: folders that are there, and judges that the claims train themselves, stage by stage from one another."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grmkit.nano

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "nano"
WEIGHTS = "model.safetensors"
MINUTES = {"fork": 2.0, "rft": 4.0, "grpo": 8.0, "meta_rm": 4.0}
"""Stated cost of a training of the tiny judge, on two cores."""
COSTS = {"tiny": 0.3, "mini": 0.3, "large": 3.0}
"""What a judgment of these judges, and of those that start from them, costs beside one of the shipped judge."""
PARTS = ("rft", "grpo", "meta_rm")
"""Of the recipe, in the order in which they follow one another: each has items of its own."""
FORK = ("--steps", "300", "--rate", "0.005", "--embedding-rate", "5e-4")
FORK_SEED = 1000  # other lessons than those the judge has had
DROPPED = {
    "no-hinted": ("sampling.hinted_samples=0",),
    "no-plain": ("sampling.samples=1",),  # a single right sample makes an item too easy: hinted ones alone are kept
    "no-general": ("data.general_share=0.0",),
}
"""What is dropped from rejective fine-tuning."""
OPTIONS = {
    "replaced": ("rollout.replace_groups=2",),
    "meta": ("reward.meta_rm=nano", "reward.meta_weight=0.5"),
    "by-query": ("rollout.query_principles=true",),
}
"""Options of RL, each added to what it does without."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One training: from which judge, by which part of the recipe, with which settings.

    Args:
        start: The judge it starts from.
        part: `rft`, `grpo` or `meta_rm` of the recipe, or `fork`, some more supervised steps.
        seed: Of everything that is drawn.
        changes: Settings as for `grm train --set`; of a fork, flags of `train_nano_judge.py`.
    """

    start: str
    part: str
    seed: int
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judges:
    """All judges of a run, by name.

    Args:
        folders: Those that are there.
        runs: Where others are trained, each in a folder of its name.
        recipe: That of all of SPCT.
        settings: Settings for every training by it, as for `grm train --set`.
        stages: What is trained, by the judge's name.
    """

    folders: Mapping[str, Path]
    runs: Path
    recipe: Path
    settings: tuple[str, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Where the judge is, or will be."""
        return self.folders[name] if name in self.folders else self.runs / name / "model"

    def is_known(self, name: str) -> bool:
        return name in self.folders or name in self.stages

    def is_there(self, name: str) -> bool:
        return (self.folder(name) / WEIGHTS).exists()

    def digest(self, name: str) -> str:
        """Names what decides the judge: its weights, or from what and how it is trained."""
        if name in self.folders:
            return digest_file(self.folders[name] / WEIGHTS)
        stage = self.stages[name]
        told = {"start": self.digest(stage.start), "part": stage.part, "seed": stage.seed, "changes": stage.changes}
        told["settings"] = self._settings(stage.part)
        if stage.part != "fork":
            told["recipe"] = tomllib.loads(self.recipe.read_text(encoding="utf-8"))[stage.part]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def meta_rm_of(self, name: str) -> str | None:
        """The meta RM that is trained for a judge, if one is."""
        found = [meta for meta, stage in self.stages.items() if stage.part == "meta_rm" and stage.start == name]
        return found[0] if found else None

    def cost(self, name: str) -> float:
        """What a judgment costs beside one of the shipped judge."""
        start = self.stages[name].start if name in self.stages else name
        return COSTS.get(start.partition("-")[0], 1.0) if start == name else self.cost(start)

    def minutes(self, *names: str) -> float:
        """What it should take until all of them are there; what several start from is trained once."""
        left, todo = {}, list(names)
        while todo:
            name = todo.pop()
            if name not in left and not self.is_there(name):
                left[name] = MINUTES[self.stages[name].part]
                todo.append(self.stages[name].start)
        return sum(left.values())

    def make(self, name: str) -> None:
        """Train the judge, and what it starts from, if it is not there; a killed training goes on.

        Raises:
            GrmkitError: If a training fails; what it did is kept.
        """
        if self.is_there(name):
            return
        stage = self.stages[name]
        self.make(stage.start)
        if stage.part == "fork":
            self._fork(name, stage)
        else:
            self._train(name, stage)

    def _train(self, name: str, stage: Stage) -> None:
        """One part of the recipe: every seed has other items, orders, streams and new weights."""
        from grmkit.cli.train import run
        from grmkit.config.recipe import read_recipe
        from grmkit.training.rft import TRAJECTORIES

        part = self.runs / f"{name}.toml"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(part_of(self.recipe.read_text(encoding="utf-8"), stage.part), encoding="utf-8")
        sampled = "easy" if stage.part == "grpo" else "sampling"
        seeds = [f"run.seed={stage.seed}", f"{sampled}.seed={stage.seed}"]
        seeds += [f"data.seed={100 * (stage.seed + 1) + PARTS.index(stage.part)}"]
        if stage.part == "meta_rm":  # it learns from what its judge was fine-tuned on too, as in the whole recipe
            tuned = self.runs / self.stages[stage.start].start
            seeds += [f"trajectories={(tuned / TRAJECTORIES).resolve()}"]
        told = [f"model={self.folder(stage.start).resolve()}", *seeds, *self._settings(stage.part), *stage.changes]
        run(read_recipe(part, told), self.runs / name)

    def _fork(self, name: str, stage: Stage) -> None:
        """Some more supervised steps on lessons."""
        import train_nano_judge

        flags = ["--start", str(self.folder(stage.start)), "--seed", str(FORK_SEED + stage.seed), *stage.changes]
        own = [word for one in self._settings("fork") for word in (f"--{one.partition('=')[0]}", one.partition("=")[2])]
        where = ["--out", str(self.runs / name / "model"), "--precision", "fp32"]
        train_nano_judge.main([*where, *FORK, *flags, *own])

    def _settings(self, part: str) -> list[str]:
        """Those of the settings that are about this part, as its own."""
        return [one.removeprefix(f"{part}.") for one in self.settings if one.startswith(f"{part}.")]


def stages_of(seeds: Sequence[int]) -> dict[str, Stage]:
    """All judges that the claims train, by name; the last part of a name is the seed."""
    found = {}
    for seed in seeds:
        found |= {
            f"none-{seed}": Stage("tiny", "fork", seed, ("--leave-out", "criteria")),
            f"fork-{seed}": Stage("tiny", "fork", seed),
            f"rft-{seed}": Stage("tiny-base", "rft", seed),
            f"rl-{seed}": Stage("tiny-base", "grpo", seed),
            f"spct-{seed}": Stage(f"rft-{seed}", "grpo", seed),
            f"meta-rm-{seed}": Stage(f"spct-{seed}", "meta_rm", seed),
        }
        for name, changes in DROPPED.items():
            found[f"{name}-{seed}"] = Stage("tiny-base", "rft", seed, changes)
        for name, changes in OPTIONS.items():
            found[f"{name}-{seed}"] = Stage(f"rft-{seed}", "grpo", seed, changes)
    return found


def part_of(text: str, part: str) -> str:
    """One part of a recipe of all of SPCT, as a recipe of its own.

    Example:
        >>> part_of('recipe = "spct"\\n[rft]\\na = 1\\n[rft.data]\\nb = 2\\n[grpo]\\nc = 3\\n', "rft")
        'recipe = "rft"\\na = 1\\n[data]\\nb = 2\\n'
    """
    kept, is_inside = [f'recipe = "{part}"'], False
    for line in text.splitlines():
        if line.startswith("["):
            table = line.partition("]")[0].removeprefix("[")
            is_inside = table == part or table.startswith(f"{part}.")
            if is_inside and table != part:
                kept.append(f"[{table.removeprefix(part + '.')}]")
        elif is_inside:
            kept.append(line)
    return "\n".join(kept) + "\n"


def known_folders(more: Mapping[str, Path]) -> dict[str, Path]:
    """The judge that ships, the base of the recipes, judges of other sizes, a base made of one of them, and others."""
    here = {name: RECIPES / name for name in ("base", "tiny", "tiny-base", "mini", "large")}
    return {"shipped": grmkit.nano.JUDGE, **here, **more}


def digest_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def num_weights(folder: Path) -> int:
    """How many parameters a judge has, from the header of its weights."""
    with (folder / WEIGHTS).open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    sizes = [value["shape"] for name, value in header.items() if name != "__metadata__"]
    total = 0
    for shape in sizes:
        size = 1
        for length in shape:
            size *= length
        total += size
    return total
