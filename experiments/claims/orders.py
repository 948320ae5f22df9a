"""Balanced orders against random shuffles, replayed: two or three responses have all their orders in the schedule.

The judgments of an order are alike whenever they are drawn, so a vote of k random shuffles is k judgments whose orders
are drawn at random, and a balanced vote k judgments whose orders are drawn in turn. Both are drawn many times from the
stored ones.
"""

import math
from collections.abc import Sequence

import numpy as np

from claims.cells import Measured
from claims.votes import is_right, totals_of
from grmkit.types import Example

REPLAYED = (2, 3)
NUM_DRAWS = 20
MAX_TRIES = 1000


def balanced_and_shuffled(
    measured: Measured, examples: Sequence[Example], k: int, *, num_draws: int = NUM_DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Per item, how often k judgments are right in balanced orders and in random ones; NaN for other lengths."""
    balanced, shuffled = np.full(len(examples), np.nan), np.full(len(examples), np.nan)
    nums = np.array([len(example.responses) for example in examples])
    generator = np.random.default_rng(seed)
    for num in REPLAYED:
        rows = np.flatnonzero(nums == num)
        if not len(rows):
            continue
        own = [examples[row] for row in rows]
        scores = measured.scores[rows]
        strata = np.arange(scores.shape[1]) % math.factorial(num)
        in_turn = np.bincount(strata[:k], minlength=math.factorial(num))
        for found, is_random in ((balanced, False), (shuffled, True)):
            draws = []
            for _ in range(num_draws):
                counts = (
                    _random_counts(strata, k, len(rows), generator) if is_random else np.tile(in_turn, (len(rows), 1))
                )
                kept = _pick(strata, counts, generator)
                draws.append(is_right(totals_of(np.where(kept[:, :, None], scores, np.nan)), own))
            found[rows] = np.mean(draws, axis=0)
    return balanced, shuffled


def _random_counts(strata: np.ndarray, k: int, num: int, generator: np.random.Generator) -> np.ndarray:
    """Per item, how many of k shuffles show each order; what needs more judgments than there are is drawn anew."""
    stored = np.bincount(strata)
    counts = generator.multinomial(k, np.full(len(stored), 1 / len(stored)), size=num)
    for _ in range(MAX_TRIES):
        short = np.flatnonzero((counts > stored).any(axis=1))
        if not len(short):
            return counts
        counts[short] = generator.multinomial(k, np.full(len(stored), 1 / len(stored)), size=len(short))
    raise ValueError(f"{k} shuffles need more than the {len(strata)} judgments that are stored")


def _pick(strata: np.ndarray, counts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Items x judgments: which are drawn, so many of each order, at random."""
    kept = np.zeros((len(counts), len(strata)), bool)
    for order in range(counts.shape[1]):
        slots = np.flatnonzero(strata == order)
        places = generator.random((len(counts), len(slots))).argsort(axis=1).argsort(axis=1)
        kept[:, slots] = places < counts[:, [order]]
    return kept
