"""Claim 7: little domain bias.

    python experiments/run_all.py --claims 7 --budget-minutes 120

The spread is the standard deviation of the accuracy over the five domains, in points. The stages are those of claim 3,
of a tiny judge.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claim_1_samples import greedy_cell, main_cell
from claim_3_stages import by_seed, names, pooled
from claims.cells import Cell, items_of
from claims.measure import Setup
from claims.told import (
    Claim,
    Number,
    Part,
    Table,
    Test,
    Told,
    compared,
    corrected,
    in_parts,
    right_of,
    share,
    weights_of,
)

from grmkit.metrics.bootstrap import percentile_interval
from grmkit.nano.world import DOMAINS

NOTE = "asked is which judge spreads less, not that one spreads little: the table tells how far domains lie apart"
TRAINED = ("base", "rft", "rl", "spct")


def cells(setup: Setup) -> Sequence[Cell]:
    judges = [judge for stage in TRAINED for judge in names(setup, stage)]
    return (main_cell(setup), greedy_cell(), *(greedy_cell(judge) for judge in judges))


def tell(setup: Setup) -> Told:
    every = judges_of(setup)
    if all(right is None for right in every.values()):
        return Told()
    most = setup.samples
    parts = [
        Part(
            "both stages together spread less than the base and than rejective fine-tuning",
            _gaps(every, [("spct", "base"), ("spct", "rft")]),
            is_within=is_narrower_in_every_seed(setup, "base") and is_narrower_in_every_seed(setup, "rft"),
        ),
        Part(
            "the vote of all samples spreads less than one sample",
            _gaps(every, [(f"shipped, Voting@{most}", "shipped, one sample")]),
        ),
    ]
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    return Told(held, why, [by_domain(every), table], tests, [NOTE])


def is_narrower_in_every_seed(setup: Setup, theirs: str) -> bool:
    """Whether both stages together spread less, whichever seed is looked at, as far as they were measured."""
    both = zip(by_seed(setup, "spct"), by_seed(setup, theirs), strict=True)
    found = [[right_of(setup, greedy_cell(judge), 1) for judge in pair] for pair in both]
    return all(spreads(one)[0] < spreads(other)[0] for one, other in found if one is not None and other is not None)


def judges_of(setup: Setup) -> dict[str, np.ndarray | None]:
    """Per judge, whether it is right on each item; greedy and pooled over seeds, unless its name says otherwise."""
    found: dict[str, np.ndarray | None] = {name: pooled(setup, name, 0) for name in TRAINED}
    found["shipped"] = right_of(setup, greedy_cell(), 1)
    found["shipped, one sample"] = right_of(setup, main_cell(setup), 1)
    found[f"shipped, Voting@{setup.samples}"] = right_of(setup, main_cell(setup), setup.samples)
    return found


def domains_of(num: int) -> np.ndarray:
    """Items x domains: 1 for the item's own."""
    names = list(DOMAINS)
    return np.array([[item.domain == name for name in names] for item in items_of("test", num)], float)


def spreads(right: np.ndarray) -> np.ndarray:
    """The spread on all items, and then on every resample of them."""
    own = domains_of(len(right))
    weights = np.vstack([np.ones((1, len(right))), weights_of(len(right))])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ (own * right[:, None])) / (weights @ own)
    return means.std(axis=1)


def _gaps(every: Mapping[str, np.ndarray | None], pairs: Sequence[tuple[str, str]]) -> list[Test]:
    """By how much the first of each pair spreads less, if all of them were measured."""
    found = []
    for ours, theirs in pairs:
        one, other = every[ours], every[theirs]
        if one is None or other is None:
            return []
        num = min(len(one), len(other))
        gaps = spreads(other[:num]) - spreads(one[:num])
        found.append(compared(f"spread of {theirs} minus that of {ours}", float(gaps[0]), gaps[1:], num))
    return found


def by_domain(every: Mapping[str, np.ndarray | None]) -> Table:
    rows: list[list[Any]] = []
    for name, right in every.items():
        if right is None:
            rows.append([name, *[None] * (len(DOMAINS) + 1)])
            continue
        own = domains_of(len(right))
        found = spreads(right)
        spread = Number(float(found[0]), *percentile_interval(found[1:]), len(right))
        rows.append([name, spread, *(share(np.where(column == 1, right, np.nan)) for column in own.T)])
    return Table("Spread and accuracy by domain", ["judge", "spread", *DOMAINS], rows)


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    rows = [row for row in (told["tables"][0]["rows"] if told["tables"] else []) if row[1] is not None]
    for place, row in enumerate(rows):
        values = [100 * number["value"] for number in row[2:] if number["value"] is not None]
        axes.plot([place] * len(values), values, marker="o", linewidth=0.8, color="tab:blue", markersize=4)
    if rows:
        axes.set_xticks(range(len(rows)), [row[0].replace(", ", "\n") for row in rows], fontsize=7)
        axes.set_ylabel("accuracy by domain, %")


CLAIM = Claim(
    7,
    "domains",
    "Little domain bias",
    "by the standard deviation of accuracy over the five domains, Holm, p < 0.05: the judge after both stages "
    "(greedy, three seeds) spreads less than the base and than the one after rejective fine-tuning; the shipped "
    "judge's vote of all samples spreads less than its single sample. Held if both are, the first in every seed.",
    cells,
    tell,
    draw,
)
