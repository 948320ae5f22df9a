"""Claim 1: more samples make better rewards, and the meta RM makes them better still.

python experiments/run_all.py --claims 1 --budget-minutes 90
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claims.cells import Cell, Measured
from claims.measure import Setup, num_blocks
from claims.told import (
    MARGIN,
    NOT_RUN,
    Claim,
    Table,
    Test,
    Told,
    corrected,
    decided,
    gap,
    outcomes,
    percent,
    points,
    share,
)
from claims.trust import trust_table
from claims.votes import SHARE, is_right, is_tie, num_orders, right_at, totals_of

from grmkit.scoring.guided import SOFT, MetaSamples
from grmkit.types import Example

WAYS: dict[str, MetaSamples | None] = {
    "plain": None,
    "guided, 1 votes": 1,
    "guided, k/4 vote": 0.25,
    "guided, k/2 vote": SHARE,
    "guided, soft": SOFT,
}
GUIDED_AT = (4, 8)
SEEN = 500
"""Test items that had been seen when the soft vote was chosen beside the better half: it is tested on those after."""


def main_cell(setup: Setup) -> Cell:
    """The draws that most claims share."""
    return Cell("shipped", samples=setup.samples, has_meta=True)


def greedy_cell(judge: str = "shipped") -> Cell:
    """One greedy judgment, in the first order of the schedule."""
    return Cell(judge, samples=1, temperature=0.0)


def cells(setup: Setup) -> Sequence[Cell]:
    return (main_cell(setup), greedy_cell())


def tell(setup: Setup) -> Told:
    cell = main_cell(setup)
    found = outcomes(setup.read(cell), cell)
    if found is None:
        return Told()
    measured, examples = found
    greedy = setup.read(greedy_cell())
    by_greedy = None if greedy is None else right_at(greedy.first(len(examples)), examples[: len(greedy)], 1)
    ks = powers(setup.samples)
    curves = {name: curve(measured, examples, ks, how) for name, how in WAYS.items()}
    tests = corrected(tests_of(curves, by_greedy, ks))
    held, why = judged(tests, curves["guided, k/2 vote"], ks[-1])
    return Told(
        held,
        why,
        [
            curve_table(curves, ks, measured, examples),
            baselines(measured, examples, by_greedy, ks),
            trust_table([("the judge that ships", measured, examples)]),
        ],
        [*tests, *corrected(soft_tests_of(curves, ks)), *corrected(dearer_tests_of(curves, ks))],
        notes(measured, ks[-1]),
    )


def powers(samples: int) -> list[int]:
    """1, 2, 4, ... and all."""
    ks = [2**n for n in range(samples.bit_length()) if 2**n <= samples]
    return ks if ks[-1] == samples else [*ks, samples]


def curve(
    measured: Measured, examples: Sequence[Example], ks: Sequence[int], how: MetaSamples | None
) -> dict[int, np.ndarray] | None:
    """Per item, how often k judgments are right; None if the meta RM has not scored them."""
    if how is not None and measured.meta is None:
        return None
    return {k: right_at(measured, examples, k, how) for k in ks}


def tests_of(curves: Mapping[str, Any], by_greedy: np.ndarray | None, ks: Sequence[int]) -> list[Test]:
    plain, guided, most = curves["plain"], curves["guided, k/2 vote"], ks[-1]
    tests = [gap(f"Voting@{most} minus one sample", plain[most], plain[1])]
    if by_greedy is not None:
        tests.append(gap(f"Voting@{most} minus greedy", plain[most], by_greedy))
    if guided is not None:
        tests += [gap(f"guided@{k} minus plain@{k}", guided[k], plain[k]) for k in GUIDED_AT if k in ks]
        tests.append(gap(f"guided@{most} not below plain@{most}", guided[most], plain[most], margin=MARGIN))
    return tests


def soft_tests_of(curves: Mapping[str, Any], ks: Sequence[int]) -> list[Test]:
    """The same of the soft vote, on items that had no say in its choice; corrected by themselves."""
    plain, soft, most = curves["plain"], curves["guided, soft"], ks[-1]
    if soft is None or len(plain[most]) <= SEEN:
        return []
    words = f", items from {SEEN + 1} on"
    tests = [gap(f"soft@{k} minus plain@{k}{words}", soft[k][SEEN:], plain[k][SEEN:]) for k in GUIDED_AT if k in ks]
    name = f"soft@{most} not below plain@{most}{words}"
    return [*tests, gap(name, soft[most][SEEN:], plain[most][SEEN:], margin=MARGIN)]


def dearer_tests_of(curves: Mapping[str, Any], ks: Sequence[int]) -> list[Test]:
    """The soft vote against twice the plain judgments: fewer tokens than judgments and what the meta RM reads."""
    plain, soft = curves["plain"], curves["guided, soft"]
    if soft is None:
        return []
    return [gap(f"soft@{k} minus plain@{2 * k}", soft[k], plain[2 * k]) for k in (2, *GUIDED_AT) if 2 * k in ks]


def judged(tests: Sequence[Test], guided: Any, most: int) -> tuple[str, str]:
    """By the rule of the claim."""
    said = "; ".join(f"{test.name}: {points(test.value)}" for test in tests)
    failed = [test.name for test in tests if not test.is_shown]
    if failed:
        return decided(tests), f"not shown: {', '.join(failed)} ({said})"
    if guided is None or len(tests) < 3 + len([k for k in GUIDED_AT if k <= most]):
        return NOT_RUN, f"only in part: {said}"
    return "held", said


def curve_table(curves: Mapping[str, Any], ks: Sequence[int], measured: Measured, examples: Sequence[Example]) -> Table:
    rows = [
        [
            str(k),
            *(None if one is None else share(one[k]) for one in curves.values()),
            *tokens_at(measured, examples, k),
            tokens_guiding(measured, examples, k),
        ]
        for k in ks
    ]
    columns = ["k", *curves, "tokens written", "tokens read", "read by the meta RM"]
    return Table(f"Accuracy by samples, {len(examples):,} test items; tokens per item", columns, rows)


def tokens_at(measured: Measured, examples: Sequence[Example], k: int) -> tuple[float, float]:
    """Tokens written by k judgments of an item, and read for them: each order's prompt once."""
    samples = measured.scores.shape[1]
    nums = [len(example.responses) for example in examples]
    prompts = measured.prompt_tokens / np.array([num_blocks(num, samples) for num in nums])
    read = prompts * np.array([num_orders(num, k) for num in nums])
    return round(float(measured.completion_tokens.mean()) * k / samples, 1), round(float(read.mean()), 1)


def tokens_guiding(measured: Measured, examples: Sequence[Example], k: int) -> float:
    """Tokens an item's k judgments are to a meta RM, which reads each with its prompt."""
    samples = measured.scores.shape[1]
    blocks = np.array([num_blocks(len(example.responses), samples) for example in examples])
    one = measured.prompt_tokens / blocks + measured.completion_tokens / samples
    return round(k * float(one.mean()), 1)


def baselines(
    measured: Measured, examples: Sequence[Example], by_greedy: np.ndarray | None, ks: Sequence[int]
) -> Table:
    lengths = np.full((len(examples), measured.scores.shape[2]), np.nan)
    for place, example in enumerate(examples):
        lengths[place, : len(example.responses)] = [len(response) for response in example.responses]
    is_list = np.array([len(example.responses) > 1 for example in examples])
    longest = np.where(is_list, is_right(lengths, examples), np.nan)
    rows: list[list[Any]] = [["the longest response wins", None, share(longest)]]
    for name, right in (
        ("greedy, one judgment", by_greedy),
        ("one sample", right_at(measured, examples, 1)),
        (f"Voting@{ks[-1]}", right_at(measured, examples, ks[-1])),
    ):
        both = right is not None and (share(right), share(np.where(is_list[: len(right)], right, np.nan)))
        rows.append([name, *(both or (None, None))])
    rows[0][1] = "no score for a single response"
    return Table("Beside it", ["judge", "all items", "two or more responses"], rows)


def notes(measured: Measured, most: int) -> list[str]:
    unread = float(np.isnan(measured.scores).all(axis=2).mean())
    ties = {k: float(is_tie(totals_of(measured.scores[:, :k])).mean()) for k in (1, most)}
    return [
        f"unreadable judgments: {percent(unread)}",
        f"ties at the top, wrong: {percent(ties[1])} with one sample, {percent(ties[most])} with {most}",
        f"the soft vote was chosen when the first {SEEN} items had been seen: its tests are of the items after those, "
        "corrected by themselves, and have no part in the rule",
        "the meta RM is as large as the judge and reads every judgment with its prompt, more tokens than another "
        "judgment takes; reading is faster than writing, which was not timed here. So the plain vote of 2k stands "
        "beside the soft vote of k",
    ]


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    if not told["tables"]:
        return
    table, beside = told["tables"][:2]
    for place, name in enumerate(table["columns"][1 : 1 + len(WAYS)], start=1):
        parts = 2 if name == "plain" else 3  # written, read, read by the meta RM
        line = [(sum(row[-3:][:parts]), row[place]) for row in table["rows"] if row[place] is not None]
        if line:
            tokens, numbers = zip(*line, strict=True)
            values = [100 * number["value"] for number in numbers]
            axes.plot(tokens, values, marker="o", markersize=3, label=name)
            if name == "plain":
                lows, highs = ([100 * number[end] for number in numbers] for end in ("low", "high"))
                axes.fill_between(tokens, lows, highs, alpha=0.15)
                for row, token, value in zip(table["rows"], tokens, values, strict=True):
                    axes.annotate(f"k={row[0]}", (token, value), xytext=(3, -9), textcoords="offset points", fontsize=7)
    greedy = beside["rows"][1][1]
    if greedy is not None:
        axes.axhline(100 * greedy["value"], linestyle=":", color="gray", label="greedy")
    axes.set_xscale("log")
    axes.set_xlabel("tokens written and read per item, by judge and meta RM")
    axes.set_ylabel("accuracy, %")
    axes.legend(fontsize=7)


CLAIM = Claim(
    1,
    "samples",
    "More samples make better rewards; the meta RM makes them better still",
    "held if the vote of all samples beats one sample and greedy, and the guided vote of the better half beats the "
    "plain one at k = 4 and k = 8 (all Holm, p < 0.05) and is not inferior to it with all samples.",
    cells,
    tell,
    draw,
)
