"""Claim 2: principles help, the right ones help more, and they help another judge.

    python experiments/run_all.py --claims 2 --budget-minutes 180

A judge without principles is a tiny one after some steps on lessons whose judgments begin with the analysis; beside it
stands the same judge after as many steps on whole lessons. The filter uses labels: an existence proof, no
method.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claim_1_samples import main_cell
from claims.cells import Cell
from claims.measure import Setup
from claims.plots import bars
from claims.told import Claim, Part, Table, Told, corrected, gap, in_parts, is_in_each, right_of, share

GIVEN = {"own": "plain", "given": "given", "filtered": "filtered", "gold": "gold"}
WORDS = {
    "own": "written by itself in every judgment",
    "given": "those of the shipped judge's first judgment, given",
    "filtered": "those of its first right judgment, given",
    "gold": "the item's own, given",
}

NOTE = (
    "principles that are given can hold a part of the answer, such as a result that was worked out; filtered ones are "
    "chosen by the label of the item they are tested on: that they help shows what right principles are worth, and is "
    "no method"
)
UNLEARNT = (
    "judges without principles had learnt to write them, and have unlearnt it within a few hundred steps, while the "
    "others went on with what they knew: a part of that gap may be the change itself, which was not measured apart. "
    "The seeds are continuations of one judge; as many judgments are not as many tokens"
)
MENDED = (
    "the base judge is the shipped one, tuned to ignore wishes about manner in six of ten: that it gains from given "
    "principles shows that they repair what was broken, not that they help a judge of another kind"
)


def cells(setup: Setup) -> Sequence[Cell]:
    few = setup.few
    given = [Cell(judge, view, few) for view in ("filtered", "gold", "given") for judge in ("shipped", "base")]
    forks = [Cell(f"{kind}-{seed}", samples=few) for seed in setup.seeds for kind in ("none", "fork")]
    return (main_cell(setup), *given[:3], Cell("base", samples=few), given[3], *forks, *given[4:])


def tell(setup: Setup) -> Told:
    few = setup.few
    shipped = {name: right_of(setup, _cell(setup, "shipped", name), few) for name in GIVEN}
    base = {name: right_of(setup, _cell(setup, "base", name), few) for name in GIVEN}
    none, fork = (pooled(setup, kind) for kind in ("none", "fork"))
    parts = [
        Part(
            "a judge that writes principles beats one that does not",
            _gaps([("writing them minus none", fork, none)]),
            is_within=is_in_every_seed(setup),
        ),
        Part(
            "the right ones help more",
            _gaps(
                [
                    ("shipped, filtered minus own", shipped["filtered"], shipped["own"]),
                    ("shipped, gold minus own", shipped["gold"], shipped["own"]),
                ]
            ),
        ),
        Part(
            "they help another judge",
            _gaps(
                [
                    ("base, shipped's filtered minus own", base["filtered"], base["own"]),
                    ("base, shipped's first minus own", base["given"], base["own"]),
                ]
            ),
        ),
    ]
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    beside = corrected(_gaps([("beside the rule: shipped, its first minus own", shipped["given"], shipped["own"])]))
    return Told(
        held,
        f"{why}; with the cautions that stand below it" if tests else why,
        [accuracies(shipped, base, few), without(setup), table],
        [*tests, *beside],
        [NOTE, UNLEARNT, MENDED] if tests else [],
    )


def _cell(setup: Setup, judge: str, name: str) -> Cell:
    return main_cell(setup) if (judge, name) == ("shipped", "own") else Cell(judge, GIVEN[name], setup.few)  # pyright: ignore[reportArgumentType]


def _gaps(wanted: Sequence[tuple[str, Any, Any]]) -> list[Any]:
    """The tests of a part; none before all of its pairs are measured, or it would be decided by some of them."""
    if any(ours is None or theirs is None for _, ours, theirs in wanted):
        return []
    return [gap(name, ours, theirs) for name, ours, theirs in wanted]


def pooled(setup: Setup, kind: str) -> np.ndarray | None:
    """Per item, the mean over the seeds; None if one is missing."""
    found = [right_of(setup, Cell(f"{kind}-{seed}", samples=setup.few), setup.few) for seed in setup.seeds]
    there = [one for one in found if one is not None]
    num = min(map(len, there), default=0)
    return np.mean([one[:num] for one in there], axis=0) if num and len(there) == len(found) else None


def is_in_every_seed(setup: Setup) -> bool:
    """Whether the judge that writes principles is better in each seed, as far as they were measured."""
    kinds = [[Cell(f"{kind}-{seed}", samples=setup.few) for seed in setup.seeds] for kind in ("fork", "none")]
    fork, none = ([right_of(setup, cell, setup.few) for cell in cells] for cells in kinds)
    return is_in_each(zip(fork, none, strict=True))


def accuracies(shipped: Mapping[str, Any], base: Mapping[str, Any], few: int) -> Table:
    """Of the items that all who were measured have, so that rows and columns compare."""
    num = min((len(one) for judge in (shipped, base) for one in judge.values() if one is not None), default=0)
    rows = [[WORDS[name], *(_share(judge[name], num) for judge in (shipped, base))] for name in GIVEN]
    title = f"Voting@{few} by principles, the first {num:,} test items"
    return Table(title, ["principles", "shipped judge", "base judge"], rows)


def without(setup: Setup) -> Table:
    rows = []
    for seed in setup.seeds:
        cells = [Cell(f"{kind}-{seed}", samples=setup.few) for kind in ("none", "fork")]
        right = [_share(right_of(setup, cell, setup.few)) for cell in cells]
        rows.append([str(seed), *right, *(tokens(setup, cell) for cell in cells)])
    told = ("judgments without principles", "with, as many steps")
    columns = ["seed", *told, "tokens of an item, without", "with"]
    return Table(f"Voting@{setup.few} of the tiny judge, trained on", columns, rows)


def tokens(setup: Setup, cell: Cell) -> float | None:
    """What all judgments of an item have, the mean."""
    found = setup.read(cell)
    return None if found is None else round(float(found.completion_tokens.mean()), 1)


def _share(right: np.ndarray | None, num: int | None = None) -> Any:
    return None if right is None else share(right[:num])


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    bars(axes, told["tables"][0] if told["tables"] else None)


CLAIM = Claim(
    2,
    "principles",
    "Principles help; the right ones help more; they transfer",
    "in three parts, all Holm, p < 0.05. Three seeds of a tiny judge (0.3M) that go on learning judgments with "
    "principles beat three that learn them without, each of them. Filtered and gold principles, given, beat those the "
    "shipped judge writes itself. The base judge, given the shipped judge's principles, filtered and not, beats "
    "itself with its own.",
    cells,
    tell,
    draw,
)
