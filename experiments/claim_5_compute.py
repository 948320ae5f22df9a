"""Claim 5: inference compute can beat training compute.

    python experiments/run_all.py --claims 5 --budget-minutes 120

A small judge with 1 to all samples against larger ones asked once, greedily, by accuracy and by compute: twice the
parameters per token read or written, each order's prompt read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from claim_1_samples import greedy_cell, main_cell, powers, tokens_at
from claims.cells import Cell
from claims.judges import num_weights
from claims.measure import Setup
from claims.told import Claim, Part, Table, Told, corrected, examples_of, gap, in_parts, share
from claims.votes import right_at

SIZES = ("tiny", "shipped", "large")
"""From small to large: 0.3, 1.4 and 3.0 million parameters; `--judges large=FOLDER` takes another large one."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One judge asked in one way: per item whether it is right, and mega-FLOPs per item."""

    words: str
    right: np.ndarray
    mega_flops: float


def voted_cell(setup: Setup, judge: str) -> Cell:
    return main_cell(setup) if judge == "shipped" else Cell(judge, samples=setup.samples)


def cells(setup: Setup) -> Sequence[Cell]:
    asked = [greedy_cell(judge) for judge in SIZES]
    return (*asked, *(voted_cell(setup, judge) for judge in SIZES[:-1]))


def tell(setup: Setup) -> Told:
    greedy = {judge: points_of(setup, judge, greedy_cell(judge), [1], "greedy") for judge in SIZES}
    voted = {
        judge: points_of(setup, judge, voted_cell(setup, judge), powers(setup.samples), "k") for judge in SIZES[:-1]
    }
    if not any(greedy.values()):
        return Told()
    parts = []
    for small, large in pairwise(SIZES):
        name = f"the {small} judge with {setup.samples} samples beats the {large} one, greedy"
        both = voted[small] and greedy[large]
        tests = (
            [gap(f"{small}@{setup.samples} minus {large} greedy", voted[small][-1].right, greedy[large][0].right)]
            if both
            else []
        )
        parts.append(Part(name, tests))
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    return Told(held, why, [compute(greedy, voted), table], tests, notes(greedy, voted))


def points_of(setup: Setup, judge: str, cell: Cell, ks: Sequence[int], words: str) -> list[Point]:
    """The judge at every k; nothing if it was not measured, or its weights are not there."""
    found = setup.read(cell)
    if found is None or not setup.judges.is_there(judge):
        return []
    size = num_weights(setup.judges.folder(judge))
    examples = examples_of(cell, len(found))
    points = []
    for k in ks:
        tokens = sum(tokens_at(found, examples, k))
        name = f"{judge} ({size / 1e6:.1f}M), {words}" + (f" = {k}" if words == "k" else "")
        points.append(Point(name, right_at(found, examples, k), 2 * size * tokens / 1e6))
    return points


def compute(greedy: Mapping[str, Sequence[Point]], voted: Mapping[str, Sequence[Point]]) -> Table:
    rows: list[list[Any]] = []
    for judge in SIZES:
        every = [*greedy[judge], *voted.get(judge, [])]
        rows += [[point.words, share(point.right), round(point.mega_flops, 1)] for point in every]
        if not every:
            rows.append([judge, None, None])
    return Table("Accuracy and compute", ["judge", "accuracy", "mega-FLOPs per item"], rows)


def notes(greedy: Mapping[str, Sequence[Point]], voted: Mapping[str, Sequence[Point]]) -> list[str]:
    """Where the small judge catches up, and what that takes of the larger one's compute."""
    found = []
    for small, large in pairwise(SIZES):
        if not voted[small] or not greedy[large]:
            continue
        (aim,) = greedy[large]
        enough = [point for point in voted[small] if point.right.mean() >= aim.right.mean()]
        if enough:
            ratio = enough[0].mega_flops / aim.mega_flops
            found.append(f"{enough[0].words} reaches {aim.words}, at {ratio:.2f} times its compute")
        else:
            found.append(f"the {small} judge reaches {aim.words} at no k")
    return found


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in told["tables"][0]["rows"] if told["tables"] else []:
        if row[1] is not None:
            judge, _, how = row[0].partition(", ")
            lines.setdefault(f"{judge}, {how.split(' ')[0]}", []).append((row[2], 100 * row[1]["value"]))
    for name, line in lines.items():
        axes.plot(*zip(*line, strict=True), marker="s" if name.endswith("greedy") else "o", markersize=4, label=name)
    if lines:
        axes.set_xscale("log")
        axes.set_xlabel("mega-FLOPs per item")
        axes.set_ylabel("accuracy, %")
        axes.legend(fontsize=7)


CLAIM = Claim(
    5,
    "compute",
    "Inference compute can beat training compute",
    "held if each judge with all samples beats the next larger one asked once, greedily (Holm, p < 0.05). What it "
    "takes of the larger one's compute is told beside it, and decides nothing.",
    cells,
    tell,
    draw,
)
