"""What is told of a claim: numbers with intervals, paired tests with Holm's correction, and whether it held."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from claims.cells import Cell, Measured, items_of
from claims.measure import Setup
from claims.views import show
from claims.votes import right_at
from grmkit.metrics.bootstrap import Weights, cluster_weights, percentile_interval, statistic_of, weighted
from grmkit.metrics.paired import difference, holm, non_inferiority
from grmkit.types import Example

NUM_RESAMPLES = 2000
ALPHA = 0.05
MARGIN = 0.005  # half a point: what a cheaper vote may lose and still do, one-sided at 95 %
NOT_RUN = "not run"
NOT_DECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Number:
    """A share or an area with its 95 % interval over items."""

    value: float
    low: float
    high: float
    items: int


@dataclass(frozen=True, slots=True)
class Test:
    """A paired difference on the same items: 95 % interval, two-sided p, and p after Holm among the claim's tests.

    Of a test that is to show no loss as large as a margin, `bound` is the one-sided 95 % bound of the difference.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    items: int
    p_holm: float | None = None
    bound: float | None = None
    margin: float | None = None

    @property
    def is_shown(self) -> bool:
        """That it is better, or with a margin, that it is not worse by as much."""
        if self.margin is not None:
            return self.bound is not None and self.bound > -self.margin
        return self.value > 0 and self.p_holm is not None and self.p_holm < ALPHA

    @property
    def is_refuted(self) -> bool:
        """That it is worse, or with a margin, worse by more; what is neither shown nor refuted wants more items."""
        return not self.is_shown and self.high < -(self.margin or 0.0)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a page; a cell of it is text, a number, or None for what was not run."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(slots=True)
class Told:
    """What came of a claim.

    Args:
        held: `held`, `held in part`, `not held`, `not decided` or `not run`.
        why: In a sentence, with the numbers that decided.
    """

    held: str = NOT_RUN
    why: str = "its cells are not measured"
    tables: list[Table] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim and the rule it is judged by, which was written before any number was seen.

    Args:
        number, name, title: Which one, in files and in words.
        rule: When it is said to have held.
        cells: What it needs, most wanted first.
        tell: What came of it.
        draw: Its plot, on the axes of matplotlib, from what was told.
    """

    number: int
    name: str
    title: str
    rule: str
    cells: Callable[[Setup], Sequence[Cell]]
    tell: Callable[[Setup], Told]
    draw: Callable[[Any, Mapping[str, Any]], None]


def examples_of(cell: Cell, num: int) -> list[Example]:
    """The first items of a cell as they were judged; one that was left out stands as it is."""
    return [show(item, _unborrowed(cell)) or item.example for item in items_of(cell.split, num)]


def _unborrowed(cell: Cell) -> Any:
    return cell.view if cell.view in ("pair", "reference") else "plain"


@cache
def weights_of(num: int) -> Weights:
    """How often each of the first items is drawn; no query comes twice, so every item is a cluster of its own."""
    return cluster_weights([str(index) for index in range(num)], num_resamples=NUM_RESAMPLES, seed=0)


def share(right: np.ndarray) -> Number:
    """The mean over items, NaN left out."""
    kept = right[~np.isnan(right)]
    if not len(kept):
        return Number(float("nan"), float("nan"), float("nan"), 0)
    estimates = weighted("mean", kept, None, weights_of(len(kept)))
    return Number(float(kept.mean()), *percentile_interval(estimates), len(kept))


def area(values: np.ndarray, gold: np.ndarray) -> Number:
    """ROC-AUC of values against gold 0 or 1, NaN left out."""
    kept = ~np.isnan(values)
    values, gold = values[kept], gold[kept]
    if len(set(gold.tolist())) < 2:
        return Number(float("nan"), float("nan"), float("nan"), len(values))
    estimates = weighted("auc", values, gold, weights_of(len(values)))
    return Number(statistic_of("auc", values, gold), *percentile_interval(estimates), len(values))


def gap(name: str, ours: np.ndarray, theirs: np.ndarray, *, margin: float | None = None) -> Test:
    """By how much ours is better than theirs, on the items that both have.

    With a margin it is asked that ours is not worse by as much, instead of that it is better.
    """
    num = min(len(ours), len(theirs))
    gaps = ours[:num] - theirs[:num]
    gaps = gaps[~np.isnan(gaps)]
    if not len(gaps):
        return Test(name, float("nan"), float("nan"), float("nan"), 1.0, 0, margin=margin)
    estimates = weighted("mean", gaps, None, weights_of(len(gaps)))
    return compared(name, float(gaps.mean()), estimates, len(gaps), margin=margin)


def is_in_each(pairs: Iterable[tuple[np.ndarray | None, np.ndarray | None]]) -> bool:
    """Whether ours is better than theirs in each of these pairs, such as one of every seed, that was measured."""
    return all(gap("", ours, theirs).value > 0 for ours, theirs in pairs if ours is not None and theirs is not None)


def compared(name: str, value: float, estimates: np.ndarray, num: int, *, margin: float | None = None) -> Test:
    """The test of a difference that was computed on every resample; one that is undefined has no items."""
    found = difference(value, estimates)
    if math.isnan(found.p):
        return Test(name, value, found.low, found.high, 1.0, 0, margin=margin)
    bound = None if margin is None else non_inferiority(estimates, margin=margin).bound
    return Test(name, value, found.low, found.high, found.p, num, bound=bound, margin=margin)


def corrected(tests: Iterable[Test]) -> list[Test]:
    """The same tests with Holm's correction over those that ask for a difference."""
    tests = list(tests)
    raised = holm({test.name: test.p for test in tests if test.margin is None and test.items})
    return [replace(test, p_holm=raised.get(test.name)) for test in tests]


def points(value: float) -> str:
    """A difference of shares, in points."""
    return f"{100 * value:+.1f}"


def percent(number: Number | float) -> str:
    return f"{100 * (number.value if isinstance(number, Number) else number):.1f} %"


def outcomes(found: Measured | None, cell: Cell) -> tuple[Measured, list[Example]] | None:
    """What was measured with the examples it is about; None if nothing was."""
    return None if found is None or not len(found) else (found, examples_of(cell, len(found)))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a claim: it held if all of its tests say so, and what else is asked of it; without tests, not run.

    It did not hold if a test says the opposite, or something else is missing; otherwise it is not decided.
    """

    name: str
    tests: Sequence[Test] = ()
    table: Table | None = None
    is_within: bool = True


def in_parts(parts: Sequence[Part], tests: Sequence[Test]) -> tuple[str, str, Table]:
    """Whether a claim of several parts held, why, and the table of its parts.

    Args:
        parts: Of the claim.
        tests: Of all parts, corrected.
    """
    by_name = {test.name: test for test in tests}
    rows, held = [], {}
    for part in parts:
        own = [by_name[test.name] for test in part.tests]
        held[part.name] = decided(own, is_within=part.is_within)
        rows.append([part.name, held[part.name], "; ".join(f"{test.name}: {points(test.value)}" for test in own)])
    said = "; ".join(f"{name}: {how}" for name, how in held.items())
    kinds = set(held.values())
    worst = next((kind for kind in ("not held", NOT_DECIDED) if kind in kinds), "held in part")
    whole = kinds.pop() if len(kinds) == 1 else worst
    return whole, said, Table("Parts", ["part", "held?", "points"], rows)


def decided(tests: Sequence[Test], *, is_within: bool = True) -> str:
    """What corrected tests, and what else is asked, come to."""
    if not tests:
        return NOT_RUN
    if not is_within or any(test.is_refuted for test in tests):
        return "not held"
    return "held" if all(test.is_shown for test in tests) else NOT_DECIDED


def right_of(setup: Setup, cell: Cell, k: int) -> np.ndarray | None:
    """Per item, how often k plain judgments of a cell are right; None if it was not measured."""
    found = outcomes(setup.read(cell), cell)
    return None if found is None else right_at(*found, k)
