"""Claim 3: RL matters more than the cold start, and both together are best.

python experiments/run_all.py --claims 3 --budget-minutes 180
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claim_1_samples import greedy_cell
from claims.cells import Cell
from claims.measure import Setup
from claims.plots import bars
from claims.told import Claim, Part, Table, Test, Told, corrected, gap, in_parts, right_of, share

STAGES = {"rft": "rejective fine-tuning", "rl": "RL from the base", "spct": "both, one after the other"}


def names(setup: Setup, stage: str) -> list[str]:
    """The judges of one stage, by seed; the base has no seeds."""
    return [stage] if stage == "base" else [f"{stage}-{seed}" for seed in setup.seeds]


def cells(setup: Setup) -> Sequence[Cell]:
    seeds = [judge for seed in setup.seeds for judge in (f"rft-{seed}", f"spct-{seed}", f"rl-{seed}")]
    voted = [Cell(judge, samples=setup.few) for judge in ("base", *seeds)]
    return (greedy_cell("base"), *(greedy_cell(judge) for judge in seeds), *voted)


def tell(setup: Setup) -> Told:
    greedy = {stage: pooled(setup, stage, is_greedy=True) for stage in ("base", *STAGES)}
    if greedy["base"] is None:
        return Told()
    parts = [
        Part("RL gains more than rejective fine-tuning", _gaps(greedy, [("rl", "rft")])),
        Part("both beat each alone", _gaps(greedy, [("spct", "rft"), ("spct", "rl")])),
        Part("each beats the base", _gaps(greedy, [("rft", "base"), ("rl", "base")])),
    ]
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    return Told(held, why, [accuracies(setup), table], tests)


def pooled(setup: Setup, stage: str, *, is_greedy: bool) -> np.ndarray | None:
    """Per item, the mean over the seeds; None if one is missing."""
    found = [_right(setup, name, is_greedy=is_greedy) for name in names(setup, stage)]
    there = [one for one in found if one is not None]
    num = min(map(len, there), default=0)
    return np.mean([one[:num] for one in there], axis=0) if num and len(there) == len(found) else None


def _right(setup: Setup, judge: str, *, is_greedy: bool) -> np.ndarray | None:
    cell = greedy_cell(judge) if is_greedy else Cell(judge, samples=setup.few)
    return right_of(setup, cell, cell.samples)


def _gaps(greedy: Mapping[str, np.ndarray | None], pairs: Sequence[tuple[str, str]]) -> list[Test]:
    """The tests, if all of them can be made."""
    if any(greedy[name] is None for pair in pairs for name in pair):
        return []
    return [gap(f"{ours} minus {theirs}, greedy", greedy[ours], greedy[theirs]) for ours, theirs in pairs]  # pyright: ignore[reportArgumentType]


def accuracies(setup: Setup) -> Table:
    rows = []
    for stage, words in {"base": "base", **STAGES}.items():
        for judge in names(setup, stage):
            found = [_right(setup, judge, is_greedy=is_greedy) for is_greedy in (True, False)]
            rows.append([f"{words} ({judge})", *(None if one is None else share(one) for one in found)])
    return Table("Accuracy by training, every seed", ["judge", "greedy", f"Voting@{setup.few}"], rows)


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    bars(axes, told["tables"][0] if told["tables"] else None)


CLAIM = Claim(
    3,
    "stages",
    "RL matters more than the cold start; both together are best",
    "greedy, three seeds, each item the mean over them, all Holm, p < 0.05: RL from the base beats rejective fine-"
    "tuning; both one after the other beat each alone; each alone beats the base. Held if all three are.",
    cells,
    tell,
    draw,
)
