"""Who judges: folders that are there, and judges that the claims train themselves, stage by stage from one another."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grmkit.nano

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "nano"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Stage:
    """One training: from which judge, by which part of the recipe, with which settings, and what it should take.

    Args:
        start: The judge it starts from.
        part: `rft` or `grpo` of the claims' recipe, or `fork`, some more supervised steps of the shipped judge.
        seed: Of everything that is drawn.
        changes: Settings as for `grm train --set`; of a fork, flags of `train_nano_judge.py`.
        minutes: Stated cost, on two cores.
    """

    start: str
    part: str
    seed: int
    changes: tuple[str, ...] = ()
    minutes: float = 8.0


@dataclass(frozen=True, slots=True)
class Judges:
    """All judges of a run, by name.

    Args:
        folders: Those that are there.
        runs: Where others are trained, each in a folder of its name.
        recipe: The claims' recipe.
        settings: Settings for every training by it, as for `grm train --set`.
        stages: What is trained, by the judge's name.
    """

    folders: Mapping[str, Path]
    runs: Path
    recipe: Path
    settings: tuple[str, ...] = ()
    stages: Mapping[str, Stage] = ()  # pyright: ignore[reportAssignmentType]

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
        if stage.part != "fork":
            told |= {"recipe": digest_file(self.recipe), "settings": self.settings}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def minutes(self, name: str) -> float:
        """What it should take until the judge is there."""
        if self.is_there(name):
            return 0.0
        stage = self.stages[name]
        return stage.minutes + self.minutes(stage.start)

    def make(self, name: str) -> None:
        """Train the judge, and what it starts from, if it is not there; a killed training goes on.

        Raises:
            SystemExit: If a training fails; what it did is kept.
        """
        if self.is_there(name):
            return
        stage = self.stages[name]
        self.make(stage.start)
        command = self._fork(name, stage) if stage.part == "fork" else self._recipe(name, stage)
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            raise SystemExit(f"training {name} failed; what it did is in {self.runs / name}: run the command again")

    def _recipe(self, name: str, stage: Stage) -> list[str]:
        """`grm train` with one part of the recipe: every seed has other items, orders, streams and new weights."""
        part = self.runs / f"{name}.toml"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(part_of(self.recipe.read_text(encoding="utf-8"), stage.part), encoding="utf-8")
        sampled = "sampling" if stage.part == "rft" else "easy"
        seeds = [f"run.seed={stage.seed}", f"{sampled}.seed={stage.seed}"]
        seeds += [f"data.seed={100 * (stage.seed + 1) + (stage.part != 'rft')}"]
        own = [setting.partition(".")[2] for setting in self.settings if setting.startswith(f"{stage.part}.")]
        told = [f"model={self.folder(stage.start).resolve()}", *seeds, *own, *stage.changes]
        flags = [word for setting in told for word in ("--set", setting)]
        return [sys.executable, "-m", "grmkit.cli", "train", str(part), "-o", str(self.runs / name), *flags]

    def _fork(self, name: str, stage: Stage) -> list[str]:
        script = Path(__file__).resolve().parents[1] / "train_nano_judge.py"
        flags = ["--start", str(self.folder(stage.start)), "--seed", str(1000 + stage.seed), *stage.changes]
        return [sys.executable, str(script), "--out", str(self.runs / name / "model"), "--precision", "fp32", *flags]


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
    """The judge that ships and the base of the recipes, and others."""
    return {"shipped": grmkit.nano.JUDGE, "base": RECIPES / "base", **more}


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
