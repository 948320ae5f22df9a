"""The folder of a training: what was asked for, from what, with what; how far it came; and whether it is done.

recipe.json     the resolved recipe, git revision and versions, written before anything else
data.jsonl      the rows trained on, with their sha256 in recipe.json's neighbour data.json
metrics.jsonl   one row per logged step; plot.png shows them
checkpoints/    where a killed training goes on
model/          the result, whole or not there
report.json     what came of it; once it is there, the recipe is done
"""

import hashlib
import json
import logging
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from grmkit.errors import TrainingError
from grmkit.training.processes import from_first, is_first

PACKAGES = ("grmkit", "torch", "transformers", "trl", "accelerate", "peft", "datasets", "ctranslate2")
REPORT, RECIPE, DATA, METRICS = "report.json", "recipe.json", "data.jsonl", "metrics.jsonl"
LOCK = ".lock"  # that `grm train` holds while it is at work
TRAINER_STATE = "trainer_state.json"  # what a checkpoint gets last
TORCH_FILES = (".pt", ".pth", ".bin")  # what torch writes: archives, whose end says what they hold

logger = logging.getLogger(__name__)


class RunFolder:
    """One training's folder, made on first use; the first process alone writes into it.

    Args:
        path: Where it is.
        recipe: What is to be trained there.

    Raises:
        TrainingError: If the folder holds a training by another recipe, or cannot be written.
    """

    def __init__(self, path: Path, recipe: BaseModel) -> None:
        self.path = path
        from_first(lambda: self._begin(recipe.model_dump(mode="json")))

    def _begin(self, asked: Mapping[str, Any]) -> None:
        kept = self.read(RECIPE)
        if kept is not None and not self._is_begun():  # the first try failed before anything was done
            kept = None
        if kept is not None and asked not in (kept["recipe"], self._moved(kept)):
            key = next(_differences(kept["recipe"], asked))
            raise TrainingError(
                f"{self.path}: holds a training by another recipe, which differs in {key}; "
                "give another --output (a copy of ledger.sqlite in it spares what was sampled), or delete this folder "
                "to start anew"
            )
        for half in self.path.glob(".model.*"):  # left by a kill
            shutil.rmtree(half, ignore_errors=True)
        if kept is None:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TrainingError(f"{self.path}: cannot be made: {error}") from None
            told = {"recipe": asked, "folder": str(self.path), "git": git_revision(), "versions": versions()}
            self.write(RECIPE, told)

    def _is_begun(self) -> bool:
        """Whether there is more than recipes, of this training or of its stages."""
        return any(path.is_file() and path.name not in (RECIPE, LOCK) for path in self.path.rglob("*"))

    def _moved(self, kept: Mapping[str, Any]) -> Any:
        """The recipe that was kept, if folders beside this one have moved with it or are called otherwise now."""
        before, now = Path(kept.get("folder", self.path)).parent, self.path.parent

        def moved(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: moved(one) for name, one in value.items()}
            is_beside = isinstance(value, str) and Path(value).is_relative_to(before)
            return str(now / Path(value).relative_to(before)) if is_beside else value

        return moved(kept["recipe"])

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.sqlite"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def report(self) -> dict[str, Any] | None:
        """What came of it, if it is done."""
        return from_first(self._report)

    def _report(self) -> dict[str, Any] | None:
        found = self.read(REPORT)
        if found is not None:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
        return found

    def last_checkpoint(self) -> Path | None:
        """The last checkpoint that is whole; what a kill left half written, or a disk spoilt, is deleted."""
        for folder in sorted(self.checkpoints.glob("checkpoint-*"), key=lambda p: -int(p.name.rpartition("-")[2])):
            if (fault := _fault_of(folder)) is None:
                return folder
            if is_first():
                logger.warning("%s: is not whole (%s), so it is deleted", folder, fault)
                shutil.rmtree(folder)
        return None

    def keep_data(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """Write the rows trained on, and return their sha256.

        Raises:
            TrainingError: If other rows were trained on before the training was interrupted.
        """
        return from_first(lambda: self._keep_data(rows))

    def _keep_data(self, rows: Iterable[Mapping[str, Any]]) -> str:
        lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows]
        digest = hashlib.sha256("".join(lines).encode("utf-8", "backslashreplace")).hexdigest()
        kept = self.read("data.json")
        if kept is not None and kept["sha256"] != digest:
            raise TrainingError(
                f"{self.path}: the data is not what this training started with (sha256 {kept['sha256'][:12]}, now "
                f"{digest[:12]}); delete the folder to start anew"
            )
        self.write_text(DATA, "".join(lines))
        self.write("data.json", {"sha256": digest, "rows": len(lines)})
        return digest

    def finish(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The training is done: its report gets its name, and its checkpoints are no longer needed."""
        return from_first(lambda: self._finish(dict(report)))

    def _finish(self, report: dict[str, Any]) -> dict[str, Any]:
        self.write(REPORT, report)
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        return report

    def read(self, name: str) -> dict[str, Any] | None:
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self.path / name}: cannot be read: {error}; delete it to start anew") from None

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        self.write_text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """A file, whole or as it was."""
        new = self.path / f"{name}.new"
        try:
            new.write_text(text, encoding="utf-8", errors="backslashreplace")
            new.replace(self.path / name)
        except OSError as error:
            raise TrainingError(
                f"{self.path / name}: cannot be written: {error}; what was there is as it was"
            ) from None


def _fault_of(checkpoint: Path) -> str | None:
    """What cannot be read of a checkpoint; None if it is whole."""
    from safetensors import SafetensorError, safe_open

    if not any("model" in path.name for path in checkpoint.iterdir()):
        return "there are no weights"
    try:
        json.loads((checkpoint / TRAINER_STATE).read_bytes())
        for path in checkpoint.rglob("*"):
            if path.suffix == ".safetensors":
                with safe_open(path, "numpy"):
                    pass
            elif path.suffix in TORCH_FILES and not zipfile.is_zipfile(path):
                return f"{path.name} is cut short"
    except (OSError, ValueError, SafetensorError) as error:
        return str(error)
    return None


def git_revision(source: Path = Path(__file__)) -> str | None:
    """The commit of the code that trains, with `-dirty` if files differ from it; None if it is in no repository."""
    here = ["git", "-C", str(source.parent)]
    try:
        subprocess.run([*here, "ls-files", "--error-unmatch", source.name], capture_output=True, check=True)
        found = subprocess.run(
            [*here, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            check=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def versions() -> dict[str, str]:
    """The versions of the packages that decide what a training does, of those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _differences(kept: Any, asked: Any, key: str = "") -> Iterator[str]:
    if isinstance(kept, dict) and isinstance(asked, dict):
        for name in sorted(kept.keys() | asked.keys()):
            yield from _differences(kept.get(name), asked.get(name), f"{key}.{name}".lstrip("."))
    elif kept != asked:
        yield f"{key} (there {kept!r}, now {asked!r})"
