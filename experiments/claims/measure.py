"""Measure a cell: draw what is missing, in as many processes as there are cores, and keep it."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from claims.cells import MAX_RESPONSES, Cell, Measured, items_of, read_cell, write_cell
from claims.judges import WEIGHTS, Judges, digest_file
from claims.views import BORROWED, num_shown, show
from claims.votes import num_orders
from grmkit.backends import Sampling
from grmkit.corpora.draw import Judge, draw
from grmkit.corpora.principles import with_principles
from grmkit.nano.world import Item
from grmkit.objectives.rule import outcome_of
from grmkit.scoring import load
from grmkit.scoring.orders import order_schedule
from grmkit.types import Example, Principle, Verdict

MAX_TOKENS = 512
BLOCK = 4  # streams of one order that a model in this process draws at once
BLOCK_S, GREEDY_S = 0.16, 0.07  # stated cost of a block and of a greedy judgment, one process of the shipped judge
META_S = 0.01  # of a meta score
FILTERED_AMONG = 8
SHUFFLE_SEED = 1000

Row = tuple[list[tuple[float, ...] | None], list[float | None], int, int]
"""Of one item: per judgment scores and meta score; tokens read and written."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where things are, and how much is measured.

    Args:
        judges: Who there is.
        cells: The folder of the cells' files.
        ledger: Where judgments are kept.
        meta_rm: The folder of the meta RM of the shipped judge; it need not be there.
        num_test, num_validation: How many items of each split.
        samples: Judgments in the largest vote.
        few: Judgments in the votes of claims that need no more.
        seeds: Of trainings.
        workers: How many processes judge at once.
        slice: Items that are judged before a cell is kept.
        first: Test items of every cell before any gets more.
    """

    judges: Judges
    cells: Path
    ledger: Path
    meta_rm: Path
    num_test: int = 6000
    num_validation: int = 1000
    samples: int = 32
    few: int = 8
    seeds: tuple[int, ...] = (0, 1, 2)
    workers: int = 2
    slice: int = 500
    first: int = 1000

    def num_of(self, cell: Cell) -> int:
        """How many items of a cell are wanted."""
        return self.num_validation if cell.split == "validation" else self.num_test

    def meta_rm_of(self, cell: Cell) -> Path:
        """The folder of the meta RM of the cell's judge: that of the shipped one is given, others are trained."""
        trained = self.judges.meta_rm_of(cell.judge)
        return self.meta_rm if trained is None else self.judges.folder(trained)

    def wants_meta(self, cell: Cell) -> bool:
        return cell.has_meta and (self.judges.meta_rm_of(cell.judge) is not None or self.meta_rm.is_dir())

    def settings(self, cell: Cell) -> dict[str, Any]:
        """What decides what a cell's judgments are."""
        told: dict[str, Any] = {"judge": cell.judge, "judge_sha256": self.judges.digest(cell.judge)}
        told |= {"view": cell.view, "split": cell.split, "samples": cell.samples, "temperature": cell.temperature}
        if cell.view in BORROWED:
            told["principles_by"] = self.judges.digest("shipped")
        return told | {"template": "nano", "max_tokens": MAX_TOKENS, "seed": 0}

    def read(self, cell: Cell) -> Measured | None:
        """What was measured of a cell, of no more items than are wanted.

        Raises:
            SystemExit: If it was measured with other settings.
        """
        found = self._all_of(cell)
        return None if found is None else found.first(self.num_of(cell))

    def _all_of(self, cell: Cell) -> Measured | None:
        found = read_cell(self.cells, cell) if self.judges.is_known(cell.judge) else None
        if found is None:
            return None
        kept = {name: value for name, value in found.settings.items() if name != "meta_rm_sha256"}
        if kept != (wanted := self.settings(cell)):
            wrong = [name for name in wanted if kept.get(name) != wanted[name]]
            raise SystemExit(
                f"{cell.name}: was measured with another {', '.join(wrong)}; delete its file in {self.cells}"
            )
        return found

    def unscored(self, cell: Cell) -> range:
        """The items of a cell that were judged, but not scored by the meta RM there is."""
        found = self._all_of(cell) if self.wants_meta(cell) else None
        if found is None or found.settings.get("meta_rm_sha256") == self.meta_rm_digest(cell):
            return range(0)
        return range(len(found))  # all that were judged, also those beyond what is wanted now: none may lose theirs

    def meta_rm_digest(self, cell: Cell) -> str:
        """Names what decides the meta RM of the cell's judge, as `Judges.digest` does a judge."""
        trained = self.judges.meta_rm_of(cell.judge)
        return digest_file(self.meta_rm / WEIGHTS) if trained is None else self.judges.digest(trained)

    def trained_for(self, cell: Cell) -> list[str]:
        """Who must be there before a cell is measured: its judge, and the meta RM that is trained for it."""
        meta_rm = self.judges.meta_rm_of(cell.judge) if cell.has_meta else None
        return [cell.judge] if meta_rm is None else [cell.judge, meta_rm]

    def left(self, cell: Cell) -> range:
        """The items of a cell that are still to be judged."""
        found = self.read(cell)
        return range(0 if found is None else len(found), self.num_of(cell))

    def cost(self, cell: Cell, part: range) -> float:
        """Stated seconds for these items of a cell, over all processes, without training.

        Those that only lack meta scores are taken to be in the ledger, if there is one.
        """
        shown = items_of(cell.split, part.stop)[part.start :]
        nums = [num_shown(item.example, cell.view) for item in shown]
        is_kept = part == self.unscored(cell) and self.ledger.exists()
        one = 0.0 if is_kept else self.judges.cost(cell.judge) * sum(_cost(num, cell) for num in nums if num)
        return (one + META_S * cell.samples * len(part) * self.wants_meta(cell)) / self.workers


@cache
def num_blocks(num_responses: int, samples: int) -> int:
    """How many blocks they are drawn in, each of which reads the prompt once."""
    orders = [order for order, _ in order_schedule(num_responses, samples, seed=0, key="")]
    return sum(-(-orders.count(order) // BLOCK) for order in set(orders))


def _cost(num: int, cell: Cell) -> float:
    if cell.temperature == 0:
        return GREEDY_S * num_orders(num, cell.samples)
    return BLOCK_S * (cell.samples if cell.view == "shuffled" else num_blocks(num, cell.samples))


def measure(setup: Setup, cell: Cell, part: range) -> Measured:
    """Judge these items of a cell, the first that it lacks, and keep what came of them; returns all there is.

    Raises:
        SystemExit: If those before have meta scores and these would have none.
    """
    before = read_cell(setup.cells, cell) if part.start else None
    if before is not None and before.meta is not None and not setup.wants_meta(cell):
        raise SystemExit(
            f"{cell.name}: has meta scores, but {setup.meta_rm} is no folder; give the meta RM with --meta-rm"
        )
    for name in setup.trained_for(cell):
        setup.judges.make(name)
    started = time.monotonic()
    shown = items_of(cell.split, part.stop)[part.start :]
    examples = shown_examples(setup, cell, shown)
    asked = [example for example in examples if example is not None]
    sampling = Sampling(cell.temperature, max_tokens=MAX_TOKENS)
    if cell.view == "shuffled":
        draws = [(replace(sampling, seed=SHUFFLE_SEED + one), 1) for one in range(cell.samples)]
    else:
        draws = [(sampling, cell.samples)]
    tables = [_judge(setup, cell, asked, how, num) for how, num in draws]
    rows = iter([_joined(found) for found in zip(*tables, strict=True)])
    every = [None if example is None else next(rows) for example in examples]
    settings = setup.settings(cell)
    if setup.wants_meta(cell):
        settings["meta_rm_sha256"] = setup.meta_rm_digest(cell)
    new = _measured(every, cell, setup.workers * (time.monotonic() - started), settings, setup.wants_meta(cell))
    whole = new if before is None else before.joined(new)
    write_cell(setup.cells, cell, whole)
    return whole


def shown_examples(setup: Setup, cell: Cell, shown: Sequence[Item]) -> list[Example | None]:
    """The items as they are shown, with principles from elsewhere if the view says so."""
    if cell.view not in BORROWED:
        return [show(item, cell.view) for item in shown]
    plain = [show(item, "plain") for item in shown]
    asked = [example for example in plain if example is not None]
    source = Judge(
        str(setup.judges.folder("shipped")),
        "nano-principles" if cell.view == "cached" else "nano",
        setup.ledger,
        Sampling(0.0 if cell.view == "cached" else 0.4, max_tokens=MAX_TOKENS),
        workers=setup.workers,
    )
    if cell.view == "cached":
        found = [example.principles for example in with_principles(source, asked)[0]]
    else:
        drawn = draw(source, asked, FILTERED_AMONG)
        found = [principles_of(example, verdict, is_filtered=cell.view == "filtered") for example, verdict in drawn]
    return [show(item, cell.view, principles) for item, principles in zip(shown, found, strict=True)]


def principles_of(example: Example, verdict: Verdict, *, is_filtered: bool) -> tuple[Principle, ...]:
    """Those of the first judgment; filtered, of the first that was right, or else of the first."""
    right = [one for one in verdict.judgments if example.label is not None and _is_right(one.scores, example)]
    chosen = right[:1] if is_filtered and right else verdict.judgments[:1]
    return chosen[0].principles if chosen else ()


def _is_right(scores: tuple[float, ...] | None, example: Example) -> bool:
    assert isinstance(example.label, tuple)
    if len(example.label) == 1:  # whole points against one decimal: within one is as right as it gets
        return scores is not None and abs(scores[0] - example.label[0]) < 1
    return outcome_of(scores, example.label) == "right"


def _judge(setup: Setup, cell: Cell, examples: Sequence[Example], sampling: Sampling, samples: int) -> list[Row]:
    """The rows of these examples, drawn by all processes; what is in the ledger already is only read."""
    meta_rm = str(setup.meta_rm_of(cell)) if setup.wants_meta(cell) else None
    told = (str(setup.judges.folder(cell.judge)), setup.ledger, sampling, samples, meta_rm)
    setup.ledger.parent.mkdir(parents=True, exist_ok=True)
    if setup.workers == 1:
        return judge_part(told, examples)
    parts = [examples[part :: setup.workers] for part in range(setup.workers)]
    with ProcessPoolExecutor(setup.workers, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(judge_part, [told] * len(parts), parts))
    return [found[place % setup.workers][place // setup.workers] for place in range(len(examples))]


def judge_part(told: tuple[str, Path, Sampling, int, str | None], examples: Sequence[Example]) -> list[Row]:
    """Judge these examples in this process."""
    folder, ledger, sampling, samples, meta_rm = told
    judge = load(folder, template="nano", ledger=ledger, sampling=sampling, meta_rm=meta_rm)
    try:
        return [_row(verdict) for verdict in judge.score_all(examples, samples=samples)]
    finally:
        judge.close()


def _row(verdict: Verdict) -> Row:
    if verdict.abstained and verdict.abstained.reason == "backend":
        raise SystemExit(f"{verdict.id}: {verdict.abstained.detail}; run the command again")
    scores = [one.scores for one in verdict.judgments]
    tokens = verdict.tokens
    meta = [one.meta_score for one in verdict.judgments]
    return scores, meta, tokens.prompt if tokens else 0, tokens.completion if tokens else 0


def _joined(rows: Sequence[Row]) -> Row:
    scores = [one for row in rows for one in row[0]]
    meta = [one for row in rows for one in row[1]]
    return scores, meta, sum(row[2] for row in rows), sum(row[3] for row in rows)


def _measured(
    rows: Sequence[Row | None], cell: Cell, seconds: float, settings: dict[str, Any], has_meta: bool
) -> Measured:
    scores = np.full((len(rows), cell.samples, MAX_RESPONSES), np.nan)
    meta = np.full((len(rows), cell.samples), np.nan)
    tokens = np.zeros((2, len(rows)), int)
    for place, row in enumerate(rows):
        if row is not None:
            tokens[:, place] = row[2:]
            for sample, one in enumerate(row[0]):
                if one is not None:
                    scores[place, sample, : len(one)] = one
            meta[place, : len(row[1])] = [np.nan if one is None else one for one in row[1]]
    return Measured(scores, meta if has_meta else None, tokens[0], tokens[1], seconds, settings)
