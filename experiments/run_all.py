"""Re-test the claims within a budget of minutes: measure what is missing, in order of priority, and tell what came out.

    python experiments/run_all.py --budget-minutes 60

Cells that are measured are kept in `docs/results/cells/` and never measured again; within a cell the ledger goes on
where it was. Every cell gets its first 1,000 items before any gets more (`--first`), claims that share draws come
first, and nothing is started that would not fit into what is left. With `--budget-minutes 0` the pages are made anew
from the cells there are. `docs/results/claims.md` is the page.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import claim_1_samples
import claim_2_principles
import claim_3_stages
import claim_4_data
import claim_5_compute
import claim_6_inputs
import claim_7_domains
import claim_8_ours
from claims.cells import Cell
from claims.judges import RECIPES, Judges, known_folders, stages_of
from claims.measure import Setup, measure
from claims.page import page_of, stem, with_curve, write_claim
from claims.told import Claim

import grmkit.nano
from grmkit.nano.world import TEST_SIZE

CLAIMS: tuple[Claim, ...] = (
    claim_1_samples.CLAIM,
    claim_2_principles.CLAIM,
    claim_3_stages.CLAIM,
    claim_4_data.CLAIM,
    claim_5_compute.CLAIM,
    claim_6_inputs.CLAIM,
    claim_7_domains.CLAIM,
    claim_8_ours.CLAIM,
)
PRIORITY = (1, 8, 6, 2, 3, 7, 5, 4)
"""Whose cells are measured first: those that share the draws of claim 1, then trainings, the most telling first."""


def main(words: Sequence[str] | None = None) -> None:
    args = parse_args(words)
    setup = make_setup(args)
    chosen = [claim for claim in CLAIMS if args.claims is None or claim.number in args.claims]
    run = spend(setup, chosen, 60 * args.budget_minutes)
    told = [tell(setup, claim, args.out) if claim in chosen else kept(setup, claim, args.out) for claim in CLAIMS]
    (args.out / "claims.md").write_text(page_of(told), encoding="utf-8")
    if args.readme.exists():
        readme = args.readme.read_text(encoding="utf-8")
        args.readme.write_text(with_curve(readme, told[0], args.out.as_posix()), encoding="utf-8")
    print(run.summary())


def parse_args(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget-minutes", type=float, default=0.0, help="how long to measure; 0: only tell")
    parser.add_argument("--claims", type=int, nargs="+", help="measure for these, and tell these anew, only")
    parser.add_argument("--num-test", type=int, default=TEST_SIZE, help="test items, from the front")
    parser.add_argument("--num-validation", type=int, default=1000, help="validation items, from the front")
    parser.add_argument("--samples", type=int, default=32, help="judgments in the largest vote")
    parser.add_argument("--few", type=int, default=8, help="judgments where no larger vote is needed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of trainings")
    parser.add_argument(
        "--judges",
        nargs="*",
        default=[],
        metavar="NAME=FOLDER",
        help="more judges, for claim 5; or another shipped or base",
    )
    parser.add_argument("--meta-rm", type=Path, default=grmkit.nano.JUDGE.parent / "meta_rm")
    parser.add_argument("--recipe", type=Path, default=RECIPES / "spct.toml")
    parser.add_argument("--set", nargs="*", default=[], help="settings of the recipe, as for grm train")
    parser.add_argument("--workers", type=int, default=2, help="processes that judge at once")
    parser.add_argument("--slice", type=int, default=500, help="items that are judged before a cell is kept")
    parser.add_argument("--first", type=int, default=1000, help="test items of every cell before any gets more")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/claims"), help="trainings and the ledger; not committed"
    )
    parser.add_argument("--ledger", type=Path, help="default: ledger.sqlite in --runs")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), help="gets the curve between its marks")
    return parser.parse_args(words)


def make_setup(args: argparse.Namespace) -> Setup:
    more = {name: Path(folder) for name, _, folder in (word.partition("=") for word in args.judges)}
    judges = Judges(known_folders(more), args.runs, args.recipe, tuple(args.set), stages_of(args.seeds))
    return Setup(
        judges,
        args.out / "cells",
        args.ledger or args.runs / "ledger.sqlite",
        args.meta_rm,
        num_test=args.num_test,
        num_validation=args.num_validation,
        samples=args.samples,
        few=args.few,
        seeds=tuple(args.seeds),
        workers=args.workers,
        slice=args.slice,
        first=args.first,
    )


@dataclass(slots=True)
class Run:
    """What was measured within a budget, and what is left; in seconds."""

    done: list[str] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def summary(self) -> str:
        lines = [f"measured: {', '.join(self.done) or 'nothing'}"]
        lines += [f"left: {name}, about {math.ceil(seconds / 60)} min" for name, seconds in self.left.items()]
        lines += [f"not run: {name}, as there is no such judge" for name in self.missing]
        return "\n".join([*lines, f"left in all: about {math.ceil(sum(self.left.values()) / 60)} min"])


def spend(setup: Setup, claims: Sequence[Claim], seconds: float) -> Run:
    """Measure the claims' cells by priority, a slice at a time, as long as the next one fits into the budget.

    Every cell gets its first items before any gets more. Stated costs are corrected by how long the slices of this run
    have taken.
    """
    run, started = Run(), time.monotonic()
    stated = taken = 0.0
    cells = cells_of(setup, claims)
    run.missing = [cell.name for cell in cells if not setup.judges.is_known(cell.judge)]
    known = [cell for cell in cells if setup.judges.is_known(cell.judge)]
    for cell, upto in [(cell, upto) for upto in (setup.first, setup.num_test) for cell in known]:
        for part in slices(setup, cell, upto):
            factor = taken / stated if stated else 1.0
            training = 60 * setup.judges.minutes(*setup.trained_for(cell))
            cost = setup.cost(cell, part)
            if training + cost * factor > seconds - (time.monotonic() - started):
                rest = range(part.start, setup.num_of(cell))
                run.left[cell.name] = training + setup.cost(cell, rest) * factor
                break
            for name in setup.trained_for(cell):
                setup.judges.make(name)
            before = time.monotonic()
            measure(setup, cell, part)
            stated, taken = stated + cost, taken + time.monotonic() - before
            print(f"{cell.name}: items {part.start} to {part.stop}", file=sys.stderr, flush=True)
            run.done.append(f"{cell.name} {part.start}-{part.stop}")
            run.left.pop(cell.name, None)
    return run


def cells_of(setup: Setup, claims: Sequence[Claim]) -> list[Cell]:
    """All cells the claims need, each once, by priority."""
    ranked = sorted(claims, key=lambda claim: PRIORITY.index(claim.number))
    return list(dict.fromkeys(cell for claim in ranked for cell in claim.cells(setup)))


def slices(setup: Setup, cell: Cell, upto: int) -> Iterator[range]:
    """What is to be done of a cell's first items: those that lack meta scores, then parts that end at a slice's end."""
    if unscored := setup.unscored(cell):
        yield unscored  # at once, so that nothing that was measured is lost on the way
    left = setup.left(cell)
    start, end = left.start, min(left.stop, upto)
    while start < end:
        stop = min(end, (start // setup.slice + 1) * setup.slice)
        yield range(start, stop)
        start = stop


def tell(setup: Setup, claim: Claim, out: Path) -> dict[str, Any]:
    """What came of a claim, written into its files."""
    cells = []
    for cell in claim.cells(setup):
        found = setup.read(cell)
        num, seconds = (0, 0.0) if found is None else (len(found), round(found.seconds))
        cells.append({"cell": cell.name, "items": num, "wanted": setup.num_of(cell), "seconds": seconds})
    told = write_claim(out / "claims", claim, claim.tell(setup), cells)
    print(f"{stem(told)}: {told['held']}", file=sys.stderr)
    return told


def kept(setup: Setup, claim: Claim, out: Path) -> dict[str, Any]:
    """What was told of a claim before; told now, if it never was."""
    path = out / "claims" / f"{stem({'claim': claim.number, 'name': claim.name})}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else tell(setup, claim, out)


if __name__ == "__main__":
    main()
