"""`grm train`: a recipe, run or gone on with."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from grmkit.config.train import Recipe, RunConfig

Opt = typer.Option
PACKAGES = ("torch", "transformers", "trl", "accelerate", "datasets", "peft", "ctranslate2", "matplotlib")


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file, such as recipes/nano/spct.toml.")],
    output: Annotated[
        Path | None, Opt("--output", "-o", help="The folder of this training; default: runs/ and the recipe's name.")
    ] = None,
    settings: Annotated[
        list[str] | None, Opt("--set", help="KEY=VALUE instead of the recipe's, like optim.learning_rate=1e-5.")
    ] = None,
    dry_run: Annotated[bool, Opt("--dry-run", help="Print the resolved recipe; train nothing.")] = False,
) -> None:
    """Train a judge or a meta RM by a recipe; the same command again goes on where it was stopped.

    The folder gets the resolved recipe, the data, metrics and a plot, the model and a report. Exit codes: 0 done; 1
    stopped by an error, what is done is kept; 2 a recipe or data that cannot be read; 3 the judge cannot be asked; 4
    the ledger cannot be used.
    """
    from grmkit.config.recipe import read_recipe

    asked = read_recipe(recipe, settings or ())
    if dry_run:
        typer.echo(asked.model_dump_json(indent=1))
        return
    if starts_others(asked):
        raise typer.Exit(run_in_processes(num_processes_of(asked)))
    from grmkit.training.processes import die_with_parent, is_first, num_processes

    if num_processes() > 1:
        die_with_parent()
    folder = output or Path("runs") / recipe.stem
    with _telling(), _alone_in(folder):
        report = run(asked, folder)
    import json

    if is_first():
        typer.echo(json.dumps(report, indent=1))


def num_processes_of(recipe: "Recipe") -> int:
    """How many processes the recipe asks for."""
    return recipe.processes if recipe.recipe == "spct" else recipe.run.processes


def trackers_of(recipe: "Recipe") -> list[str]:
    """The trackers that get metrics too, of all stages."""
    return sorted({name for run in runs_of(recipe) for name in run.report_to})


def runs_of(recipe: "Recipe") -> "list[RunConfig]":
    """How each of its stages is to be run."""
    stages = (recipe.rft, recipe.grpo, recipe.meta_rm) if recipe.recipe == "spct" else (recipe,)
    return [stage.run for stage in stages]


def starts_others(recipe: "Recipe") -> bool:
    """Whether this process is to start those that train, instead of being one of them."""
    return num_processes_of(recipe) > 1 and "WORLD_SIZE" not in os.environ


def run_in_processes(num: int) -> int:
    """This very command in so many processes; the exit code. Each gets its share of the processors."""
    from grmkit.training.processes import die_with_parent

    threads = str(max(1, (os.cpu_count() or 1) // num))
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num}", "-m", "grmkit.cli"]
    environment = {"OMP_NUM_THREADS": threads} | os.environ
    command = [sys.executable, *launch, *sys.argv[1:]]
    return subprocess.run(command, check=False, env=environment, preexec_fn=die_with_parent).returncode


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps a second `grm train` out of the folder; the processes of one training count as one.

    Raises:
        TrainingError: If another is at work there, or the folder cannot be made.
    """
    from filelock import FileLock, Timeout

    from grmkit.errors import TrainingError
    from grmkit.training.processes import is_first
    from grmkit.training.run_folder import LOCK

    if not is_first():
        yield
        return
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise TrainingError(
            f"{folder}: another training is at work here; wait for it, or give another --output"
        ) from None
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be made: {error}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _telling() -> Iterator[None]:
    """What the recipes log goes to stderr."""
    logger, handler = logging.getLogger("grmkit"), logging.StreamHandler()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def run(recipe: "Recipe", folder: Path) -> dict[str, Any]:
    """Run a checked recipe in this folder.

    Raises:
        GrmkitError: As the recipe does.
    """
    from importlib import import_module
    from importlib.util import find_spec

    from grmkit.errors import RecipeError
    from grmkit.training.processes import num_processes

    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise RecipeError(f"training needs the packages {', '.join(missing)}; run: pip install 'grmkit[train]'")
    absent = [name for name in trackers_of(recipe) if find_spec(name) is None]
    if absent:
        raise RecipeError(
            f"run.report_to names {', '.join(absent)}, not installed; run: pip install {' '.join(absent)}"
        )
    if not recipe.model:
        raise RecipeError("model is not set; name a folder with a model, in the recipe or by --set model=FOLDER")
    if num_processes() == 1 and any(one.fsdp for one in runs_of(recipe)):
        raise RecipeError(
            "run.fsdp is true, but there is one process, which has nobody to share weights with; set run.processes, or "
            "start it by torchrun or accelerate launch"
        )
    kind = recipe.recipe
    return getattr(import_module(f"grmkit.training.{kind}"), kind)(recipe, folder)
