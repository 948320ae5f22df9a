"""Claim 4: for rejective fine-tuning, judgments without a hint matter more than hinted ones, and general data matters.

    python experiments/run_all.py --claims 4 --budget-minutes 180

Measured after rejective fine-tuning of a tiny judge, whose data this is about. It had the lessons of the judge that
ships, which heeds no hint, so that a hinted judgment is one sample more of it: this claim is re-tested in form, and its
page says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from claim_1_samples import greedy_cell
from claim_3_stages import is_in_every_seed, names, pooled
from claims.cells import Cell
from claims.measure import Setup
from claims.plots import bars
from claims.told import Claim, Part, Table, Told, corrected, gap, in_parts, right_of, share

DATA = {
    "rft": "all",
    "no-plain": "without the judgments that had no hint",
    "no-hinted": "without the hinted ones",
    "no-general": "without general instructions",
}
NOTE = (
    "the judge that ships heeds no hint (`docs/results/nano-judge.md`), and the tiny one had the same lessons (it was "
    "not asked), so hinted judgments are taken to be plain ones, one an item; "
    "dropping the others leaves fewer judgments to learn from, and only those of items that its one plain sample got "
    "wrong: an item that was right is too easy to be kept; all had as many steps, so fewer judgments were read more "
    "often"
)


def cells(setup: Setup) -> Sequence[Cell]:
    return [greedy_cell(f"{name}-{seed}") for seed in setup.seeds for name in DATA]


def tell(setup: Setup) -> Told:
    greedy = {name: pooled(setup, name, 0) for name in DATA}
    rft, plain, hinted, general = (greedy[name] for name in DATA)
    parts = []
    if rft is None or (plain is None and hinted is None and general is None):
        return Told(tables=[accuracies(setup)], notes=[NOTE]) if _is_any(setup) else Told()
    if plain is not None and hinted is not None:
        test = gap("without hinted minus without those that had no hint, greedy", hinted, plain)
        is_within = is_in_every_seed(setup, "no-hinted", "no-plain")
        parts.append(Part("judgments without a hint matter more than hinted ones", [test], is_within=is_within))
    else:
        parts.append(Part("judgments without a hint matter more than hinted ones"))
    tests = [] if general is None else [gap("all minus without general instructions, greedy", rft, general)]
    is_within = not tests or is_in_every_seed(setup, "rft", "no-general")
    parts.append(Part("general instructions matter", tests, is_within=is_within))
    tests = corrected(test for part in parts for test in part.tests)
    held, why, table = in_parts(parts, tests)
    return Told(held, why, [accuracies(setup), table], tests, [NOTE])


def _is_any(setup: Setup) -> bool:
    return any(setup.read(cell) is not None for cell in cells(setup))


def accuracies(setup: Setup) -> Table:
    rows = []
    for name, words in DATA.items():
        for judge in names(setup, name):
            right = right_of(setup, greedy_cell(judge), 1)
            rows.append([f"{words} ({judge})", None if right is None else share(right)])
    return Table("Accuracy after rejective fine-tuning, every seed", ["learnt from", "greedy"], rows)


def draw(axes: Any, told: Mapping[str, Any]) -> None:
    bars(axes, told["tables"][0] if told["tables"] else None)


CLAIM = Claim(
    4,
    "data",
    "Judgments without a hint matter more than hinted ones; general data matters",
    "greedy after rejective fine-tuning, three seeds, each item the mean over them, Holm, p < 0.05: dropping the "
    "judgments without a hint costs more than dropping the hinted ones; dropping general instructions costs. Held if "
    "both are, in every seed.",
    cells,
    tell,
    draw,
)
