"""Claim 6: pairs, lists, single responses and references go through one judge.

python experiments/run_all.py --claims 6 --budget-minutes 120
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claim_1_samples import main_cell
from claims.cells import Cell, Measured
from claims.measure import Setup
from claims.plots import bars
from claims.told import (
    Claim,
    Part,
    Table,
    Told,
    area,
    compared,
    corrected,
    gap,
    in_parts,
    outcomes,
    right_of,
    share,
    weights_of,
)
from claims.views import pair_of
from claims.votes import MIDDLE, right_at, totals_of

from grmkit.metrics.bootstrap import statistic_of, weighted
from grmkit.types import Example

LIST_MARGIN = 0.02  # a pair may be judged worse within a list than alone by less than two points


def reference_cell(setup: Setup) -> Cell:
    return Cell("shipped", "reference", setup.few)


def pair_cell(setup: Setup) -> Cell:
    return Cell("shipped", "pair", setup.few)


def cells(setup: Setup) -> Sequence[Cell]:
    return (main_cell(setup), pair_cell(setup), reference_cell(setup))


def tell(setup: Setup) -> Told:
    cell = main_cell(setup)
    found = outcomes(setup.read(cell), cell)
    if found is None:
        return Told()
    measured, examples = found
    parts = [
        lists_part(setup, measured, examples),
        singles_part(measured, examples),
        reference_part(setup, measured, examples),
    ]
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    tables = [by_length(setup, measured, examples), table, *(part.table for part in parts if part.table is not None)]
    return Told(held, why, tables, tests)


def by_length(setup: Setup, measured: Measured, examples: Sequence[Example]) -> Table:
    """Accuracy by the number of responses, and what chance would reach."""
    nums = np.array([len(example.responses) for example in examples])
    voted, one = right_at(measured, examples, setup.samples), right_at(measured, examples, 1)
    rows = []
    for num in sorted({*nums.tolist()}):
        at = nums == num
        shares = [share(np.where(at, right, np.nan)) for right in (one, voted)]
        rows.append([str(num), int(at.sum()), f"{100 / max(num, 2):.1f} %", *shares])
    columns = ["responses", "items", "chance", "one sample", f"Voting@{setup.samples}"]
    return Table("Accuracy by number of responses", columns, rows)


def lists_part(setup: Setup, measured: Measured, examples: Sequence[Example]) -> Part:
    """The best of a list and one other: judged within the list, and alone."""
    name = "a pair is judged within a list about as well as alone"
    alone = right_of(setup, pair_cell(setup), setup.few)
    if alone is None:
        return Part(name)
    within = within_lists(measured, examples, setup.few)
    num = min(len(alone), len(within))
    alone = np.where(np.isnan(within[:num]), np.nan, alone[:num])
    test = gap("within a list not below alone by two points", within[:num], alone, margin=LIST_MARGIN)
    rows = [["alone", share(alone)], ["within its list", share(within[:num])]]
    return Part(
        name, [test], Table(f"The best of a list and one other, Voting@{setup.few}", ["judged", "accuracy"], rows)
    )


def within_lists(measured: Measured, examples: Sequence[Example], k: int) -> np.ndarray:
    """Per item, how often the vote puts the best of a list above the one other; NaN for what is no list."""
    starts = range(0, measured.scores.shape[1] - k + 1, k)
    windows = [totals_of(measured.scores[:, start : start + k]) for start in starts]
    found = np.full(len(examples), np.nan)
    for place, example in enumerate(examples):
        if len(example.responses) > 2:
            (other,) = {*pair_of(example)} - {example.best}
            found[place] = np.mean([bool(one[place, example.best] > one[place, other]) for one in windows])
    return found


def singles_part(measured: Measured, examples: Sequence[Example]) -> Part:
    """Single responses: mean scores against the side of the scale the gold score is on, as ROC-AUC."""
    most = measured.scores.shape[1]
    at = np.array([len(example.responses) == 1 for example in examples])
    gold = np.array([float(example.label[0] > MIDDLE) for example in examples if len(example.responses) == 1])  # pyright: ignore[reportOptionalSubscript, reportIndexIssue]
    if not at.any():
        return Part("single responses are told apart, better by more samples")
    values = {k: totals_of(measured.scores[at, :k])[:, 0] for k in (1, most)}
    is_read = ~np.isnan(values[1]) & ~np.isnan(values[most])
    weights = weights_of(int(is_read.sum()))
    drawn = {k: weighted("auc", one[is_read], gold[is_read], weights) for k, one in values.items()}
    whole = {k: statistic_of("auc", one[is_read], gold[is_read]) for k, one in values.items()}
    num = int(is_read.sum())
    tests = [
        compared(f"AUC@{most} minus chance", whole[most] - 0.5, drawn[most] - 0.5, num),
        compared(f"AUC@{most} minus AUC@1", whole[most] - whole[1], drawn[most] - drawn[1], num),
    ]
    rows = [[str(k), area(values[k], gold)] for k in (1, most)]
    table = Table("Single responses: ROC-AUC of mean scores", ["samples", "AUC"], rows)
    return Part("single responses are told apart, better by more samples", tests, table)


def reference_part(setup: Setup, measured: Measured, examples: Sequence[Example]) -> Part:
    name = "a reference helps"
    told = right_of(setup, reference_cell(setup), setup.few)
    if told is None:
        return Part(name)
    own = right_at(measured, examples, setup.few)
    num = min(len(told), len(own))
    rows = [["without", share(own[:num])], ["with", share(told[:num])]]
    table = Table(f"With a reference, Voting@{setup.few}", ["reference", "accuracy"], rows)
    return Part(name, [gap("with a reference minus without", told, own)], table)


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    bars(axes, told["tables"][0] if told["tables"] else None)


CLAIM = Claim(
    6,
    "inputs",
    "One judge takes pairs, lists, single responses and references",
    "in three parts. The best of a list and one other are judged within the list not worse than alone by two points "
    "(one-sided 95 %). The ROC-AUC of single responses' mean scores is above chance, and higher with all samples than"
    " with one. A reference raises accuracy (the last two Holm, p < 0.05). Held if all three are.",
    cells,
    tell,
    draw,
)
