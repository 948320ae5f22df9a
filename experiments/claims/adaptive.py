"""Adaptive stopping, replayed: a threshold is chosen on validation items and tested on others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from claims.cells import Cell
from claims.measure import BLOCK, Setup
from claims.told import MARGIN, Number, Table, Test, gap, outcomes, points, share
from claims.votes import SHARE, look
from grmkit.scoring.guided import SOFT, MetaSamples

STOPS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
MAX_LOSS = 0.0025
"""What a threshold may lose on the validation items: half of what may be lost at the most."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of stopping: how a vote is guided, how many streams are drawn at once, what share is the aim."""

    name: str
    how: MetaSamples | None
    block_size: int
    aim: float


WAYS = (
    Way("plain, a server", None, 1, 0.40),
    Way("plain, blocks of four", None, BLOCK, 0.40),
    Way("guided, a server", SHARE, 1, 0.25),
    Way("guided, blocks of four", SHARE, BLOCK, 0.25),
    Way("guided, softly, a server", SOFT, 1, 0.25),
    Way("guided, softly, blocks of four", SOFT, BLOCK, 0.25),
)


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """What a way of stopping came to on the test items.

    Args:
        way: Which.
        stop: The threshold that was chosen.
        validation_loss: What it lost there, as a share.
        spent: Per item, judgments drawn, as a share of all.
        right: Per item, whether the stopped decision is right.
        loss: The test against all samples.
        validation_items: On how many items it was chosen.
        every: What each threshold comes to on the test items: share of the samples, and the test against all of them.
            To be looked at; nothing is chosen by it.
    """

    way: Way
    stop: float
    validation_loss: float
    spent: np.ndarray
    right: np.ndarray
    loss: Test
    validation_items: int
    every: Mapping[float, tuple[float, Test]]


def validation_cell(setup: Setup) -> Cell:
    return Cell("shipped", samples=setup.samples, split="validation", has_meta=True)


def stopped_by(setup: Setup, test: Cell, way: Way) -> Stopped | None:
    """The way's threshold from the validation items, and what it does on the test items; None if a cell is missing."""
    validation = validation_cell(setup)
    chosen_on, tested_on = outcomes(setup.read(validation), validation), outcomes(setup.read(test), test)
    if chosen_on is None or tested_on is None:
        return None
    if way.how is not None and (chosen_on[0].meta is None or tested_on[0].meta is None):
        return None
    stop, lost = choose(look(*chosen_on, block_size=way.block_size, how=way.how), setup.samples)
    looks = look(*tested_on, block_size=way.block_size, how=way.how)
    right, nums = looks.stopped(stop)
    every = {}
    for other in STOPS:
        decided, drawn = looks.stopped(other)
        name = f"{way.name}, stopped at {other:g}, not below all {setup.samples}"
        every[other] = float(drawn.mean()) / setup.samples, gap(name, decided, looks.right[:, -1], margin=MARGIN)
    return Stopped(way, stop, lost, nums / setup.samples, right, every[stop][1], len(chosen_on[1]), every)


def choose(looks: Any, samples: int) -> tuple[float, float]:
    """The threshold that draws fewest among those that lose no more than allowed, and its loss; else the most careful.

    Args:
        looks: Of validation items.
        samples: What is drawn without stopping.
    """
    every = []
    for stop in STOPS:
        right, nums = looks.stopped(stop)
        lost = float((looks.right[:, -1] - right).mean())
        every.append((float(nums.mean()) / samples, stop, lost))
    allowed = [one for one in every if one[2] <= MAX_LOSS] or every[-1:]
    _, stop, lost = min(allowed)
    return stop, lost


def stopped_table(found: Sequence[Stopped | None]) -> Table:
    columns = ["way", "stop", "lost on validation, points", "accuracy", "share of the samples", "aim"]
    rows: list[list[Any]] = []
    for way, one in zip(WAYS, found, strict=True):
        told: list[Any] = [None] * 4
        if one is not None:
            told = [one.stop, round(100 * one.validation_loss, 2), share(one.right), share_of(one.spent)]
        rows.append([way.name, *told, f"{100 * way.aim:.0f} %"])
    return Table("Stopped votes, thresholds chosen on validation items", columns, rows)


def thresholds_table(found: Stopped | None) -> Table:
    """What every threshold of a way comes to on the test items."""
    rows: list[list[Any]] = []
    if found is not None:
        for stop, (spent, loss) in found.every.items():
            assert loss.bound is not None  # it is asked with a margin
            name = f"{stop:g} (chosen)" if stop == found.stop else f"{stop:g}"
            rows.append([name, f"{100 * spent:.1f} %", points(loss.value), f"{100 * loss.bound:+.2f}"])
    columns = ["stop", "share of the samples", "difference, points", "one-sided 95 % bound"]
    return Table("Every threshold on the test items, plain, a server; none is chosen here", columns, rows)


def share_of(spent: np.ndarray) -> Number:
    return share(spent)
