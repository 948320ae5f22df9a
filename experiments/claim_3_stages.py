"""Claim 3: RL matters more than the cold start, and both together are best.

    python experiments/run_all.py --claims 3 --budget-minutes 180

Nine trainings, so the judge is a tiny one, of 0.3 million parameters. Beside the claim, which is about one greedy
judgment, stands what each stage does to single samples and to the vote of many.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claim_1_samples import greedy_cell
from claims.cells import Cell
from claims.measure import Setup
from claims.plots import bars
from claims.told import (
    MARGIN,
    Claim,
    Part,
    Table,
    Test,
    Told,
    corrected,
    gap,
    in_parts,
    is_in_each,
    outcomes,
    right_of,
    share,
)
from claims.trust import trust_table

OPTIONS = {
    "spct": "none",
    "replaced": "groups without signal are replaced, two rounds at most",
    "meta": "half the reward of a right judgment is the meta RM's trust in it",
    "by-query": "principles come from the query alone",
}
STAGES = {"rft": "rejective fine-tuning", "rl": "RL from the base", "spct": "both, one after the other"}


def names(setup: Setup, stage: str) -> list[str]:
    """The judges of one stage, by seed; the base has no seeds."""
    return ["tiny-base"] if stage == "base" else [f"{stage}-{seed}" for seed in setup.seeds]


def by_seed(setup: Setup, stage: str) -> list[str]:
    """The judge of one stage for each seed: the base is one for all."""
    return names(setup, stage) * (len(setup.seeds) if stage == "base" else 1)


def cells(setup: Setup) -> Sequence[Cell]:
    every = [judge for stage in ("base", "rft", "spct", "rl") for judge in names(setup, stage)]
    options = [greedy_cell(judge) for option in list(OPTIONS)[1:] for judge in names(setup, option)]
    trusted = [trusted_cell(judge) for judge in names(setup, "spct")]
    voted = [voted_cell(setup, judge) for judge in every]
    return (*(greedy_cell(judge) for judge in every), *voted, *trusted, *options)


def trusted_cell(judge: str) -> Cell:
    """Judgments of a judge that its own meta RM, trained by the recipe too, scores."""
    return Cell(judge, samples=4, has_meta=True)


def voted_cell(setup: Setup, judge: str) -> Cell:
    """Whether RL costs the votes is asked of all samples; elsewhere few are enough."""
    return Cell(judge, samples=setup.samples if judge.startswith(("rft", "spct")) else setup.few)


def tell(setup: Setup) -> Told:
    greedy = {stage: pooled(setup, stage, 0) for stage in ("base", *STAGES)}
    if greedy["base"] is None:
        return Told()
    parts = [
        _part(setup, greedy, "RL gains more than rejective fine-tuning", [("rl", "rft")]),
        _part(setup, greedy, "both beat each alone", [("spct", "rft"), ("spct", "rl")]),
        _part(setup, greedy, "each beats the base", [("rft", "base"), ("rl", "base")]),
    ]
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    beside = [*corrected(sampled_tests(setup)), *corrected(option_tests(setup))]
    return Told(held, why, [accuracies(setup), table, options(setup), trust(setup)], [*tests, *beside])


def _part(setup: Setup, greedy: Mapping[str, np.ndarray | None], name: str, pairs: Sequence[tuple[str, str]]) -> Part:
    tests = _gaps(greedy, pairs)
    return Part(name, tests, is_within=not tests or all(is_in_every_seed(setup, *pair) for pair in pairs))


def is_in_every_seed(setup: Setup, ours: str, theirs: str) -> bool:
    """Whether ours is better than theirs, greedily, whichever seed is looked at."""
    mine, others = ([_right(setup, name, 0) for name in by_seed(setup, stage)] for stage in (ours, theirs))
    return is_in_each(zip(mine, others, strict=True))


def sampled_tests(setup: Setup) -> list[Test]:
    """What the claim does not ask: single samples, and whether RL after fine-tuning costs the votes."""
    one = {stage: pooled(setup, stage, 1) for stage in ("base", "rft", "spct")}
    tests = _gaps(one, [("rft", "base"), ("spct", "rft")], "one sample")
    most = {stage: pooled(setup, stage, setup.samples) for stage in ("rft", "spct")}
    name = f"Voting@{setup.samples}"
    return [*tests, *_gaps(most, [("spct", "rft")], name, margin=MARGIN)]


def option_tests(setup: Setup) -> list[Test]:
    """What each option of RL adds to RL without it."""
    right = {option: pooled(setup, option, 0) for option in OPTIONS}
    return [test for option in list(OPTIONS)[1:] for test in _gaps(right, [(option, "spct")])]


def trust(setup: Setup) -> Table:
    """What the third stage of the recipe gives, every seed."""
    rows = []
    for judge in names(setup, "spct"):
        cell = trusted_cell(judge)
        measured, examples = outcomes(setup.read(cell), cell) or (None, [])
        rows.append((judge, measured, examples))
    return trust_table(rows)


def options(setup: Setup) -> Table:
    rows = []
    for option, words in OPTIONS.items():
        right = [_right(setup, judge, 0) for judge in names(setup, option)]
        rows.append([words, *(None if one is None else share(one) for one in right)])
    return Table("Options of RL after rejective fine-tuning, greedy", ["option", *map(str, setup.seeds)], rows)


def pooled(setup: Setup, stage: str, k: int) -> np.ndarray | None:
    """Per item, how often k judgments are right, the mean over the seeds; k = 0 is greedy; None if one is missing."""
    found = [_right(setup, name, k) for name in names(setup, stage)]
    there = [one for one in found if one is not None]
    num = min(map(len, there), default=0)
    return np.mean([one[:num] for one in there], axis=0) if num and len(there) == len(found) else None


def _right(setup: Setup, judge: str, k: int) -> np.ndarray | None:
    cell = voted_cell(setup, judge) if k else greedy_cell(judge)
    return right_of(setup, cell, k or 1) if k <= cell.samples else None


def _gaps(
    right: Mapping[str, np.ndarray | None],
    pairs: Sequence[tuple[str, str]],
    how: str = "greedy",
    *,
    margin: float | None = None,
) -> list[Test]:
    """The tests, if all of them can be made."""
    if any(right[name] is None for pair in pairs for name in pair):
        return []
    told = "minus" if margin is None else "not below"
    return [gap(f"{ours} {told} {theirs}, {how}", right[ours], right[theirs], margin=margin) for ours, theirs in pairs]  # pyright: ignore[reportArgumentType]


def accuracies(setup: Setup) -> Table:
    ks = [0, 1, *dict.fromkeys((setup.few, setup.samples))]
    rows = []
    for stage, words in {"base": "base", **STAGES}.items():
        for judge in names(setup, stage):
            found = [_right(setup, judge, k) for k in ks]
            rows.append([f"{words} ({judge})", *(None if one is None else share(one) for one in found)])
    columns = ["judge", "greedy", "one sample", *(f"Voting@{k}" for k in ks[2:])]
    return Table("Accuracy by training, every seed", columns, rows)


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    bars(axes, told["tables"][0] if told["tables"] else None)


CLAIM = Claim(
    3,
    "stages",
    "RL matters more than the cold start; both together are best",
    "greedy, three seeds, each item the mean over them, all Holm, p < 0.05: RL from the base beats rejective fine-"
    "tuning; both one after the other beat each alone; each alone beats the base. Held if all three are, "
    "and each difference has its sign in every seed. The judge has 0.3 million parameters.",
    cells,
    tell,
    draw,
)
