"""What each of the processes does that `recipes/test_two_processes.py` starts with torchrun: all recipes, and notes.

Usage: torchrun --standalone --nproc_per_node 2 two_processes.py MODEL JUDGE FOLDER
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from transformers.trainer_callback import CallbackHandler

from grmkit.cli.train import run
from grmkit.training import grpo, meta_rm, processes, rft
from grmkit.training.rollouts import Rollouts
from tiny_recipe import tiny

NOTES: dict[str, Any] = {}


def note_groups() -> None:
    """Keep which examples this process is asked for, in which orders."""
    asked: list[Any] = NOTES.setdefault("asked", [])
    columns = Rollouts.columns

    def noting(self: Rollouts, shown: Any) -> Any:
        told = columns(self, shown)
        asked.append([*zip(told["index"], told["order"], told["label"], strict=True)])
        return told

    Rollouts.columns = noting


def note_shards(name: str) -> None:
    """Keep how the network lies in the processes once it is trained."""

    def noting(network: Any) -> Any:
        num_here = sum(getattr(p, "to_local", p.detach)().numel() for p in network.parameters())
        note = {"kind": type(network).__name__, "here": num_here, "all": sum(p.numel() for p in network.parameters())}
        NOTES[name] = note
        return processes.gathered(network)

    rft.gathered = grpo.gathered = meta_rm.gathered = noting


def shard_on_cpu() -> None:
    """Make accelerate shard on a CPU, which it does on GPUs only."""
    begin = AcceleratorState.__init__

    def sharding(self: AcceleratorState, *given: Any, fsdp_plugin: Any = None, **named: Any) -> None:
        begin(self, *given, fsdp_plugin=fsdp_plugin, **named)
        if fsdp_plugin is not None:
            self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP
            self.fsdp_plugin = fsdp_plugin

    AcceleratorState.__init__ = sharding


class Stopped(Exception):
    """As good as a kill, from inside."""


def run_until(step: int, recipe: Any, folder: Path) -> None:
    """Train, and leave off at the end of a step, before it is saved."""
    on_step_end = CallbackHandler.on_step_end

    def stopping(self: CallbackHandler, args: Any, state: Any, control: Any) -> Any:
        if state.global_step == step:
            raise Stopped
        return on_step_end(self, args, state, control)

    CallbackHandler.on_step_end = stopping
    try:
        run(recipe, folder)
    except Stopped:
        NOTES["stopped"] = step
    finally:
        CallbackHandler.on_step_end = on_step_end


def main(model: str, judge: str, folder: str) -> None:
    note_groups()
    for kind, start in (("rft", model), ("grpo", judge), ("meta_rm", model)):
        note_shards(kind)
        NOTES[f"{kind} report"] = run(tiny(kind, start), Path(folder) / kind)
    stopped = tiny("rft", model, run={"save_every": 1})
    run_until(2, stopped, Path(folder) / "stopped")
    NOTES["stopped report"] = run(stopped, Path(folder) / "stopped")
    sharded = tiny("rft", model, run={"fsdp": True})
    try:
        run(sharded, Path(folder) / "refused")
    except processes.TrainingError as error:
        NOTES["refused"] = str(error)
    shard_on_cpu()
    for kind in ("rft", "meta_rm"):
        note_shards(f"sharded {kind}")
        run(tiny(kind, model, run={"fsdp": True}), Path(folder) / f"sharded {kind}")
    (Path(folder) / f"notes-{os.environ['RANK']}.json").write_text(json.dumps(NOTES))


if __name__ == "__main__":
    main(*sys.argv[1:])
