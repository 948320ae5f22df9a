"""Replays: what any number of the stored judgments decide, by plain, guided and stopped votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from claims.cells import Measured
from grmkit.scoring.guided import MetaSamples, num_kept
from grmkit.scoring.orders import order_schedule
from grmkit.scoring.stopping import POOL_SIZE, chance_of_change, looks, pooled_prior, weigh
from grmkit.types import Example

MIDDLE = 5.5  # a single response is judged rightly on the side of the scale its gold score is on
WIDTH = 9.0  # of the scale, in points
SHARE = 0.5  # of the readable judgments a meta RM keeps, if nothing else is said


def totals_of(scores: np.ndarray, meta: np.ndarray | None = None, how: MetaSamples | None = None) -> np.ndarray:
    """Items x responses: the mean of what the judgments that vote gave; NaN where none could be read.

    Args:
        scores: Items x judgments x responses.
        meta: Items x judgments, logits.
        how: How many the meta RM keeps, as `--meta-samples`; None lets all vote.
    """
    is_read = ~np.isnan(scores).all(axis=2)
    weights = is_read.astype(float) if how is None or meta is None else _weights(is_read, meta, how)
    mass = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (np.nan_to_num(scores) * weights[:, :, None]).sum(axis=1) / mass[:, None]
    return np.where(np.isnan(scores).all(axis=1), np.nan, means)


def _weights(is_read: np.ndarray, meta: np.ndarray, how: MetaSamples) -> np.ndarray:
    if isinstance(how, str):
        logs = np.where(is_read, -np.logaddexp(0, -np.nan_to_num(meta)), -np.inf)
        highest = logs.max(axis=1, keepdims=True)
        return np.where(is_read, np.exp(logs - np.where(np.isfinite(highest), highest, 0)), 0.0)
    trust = np.where(is_read, np.nan_to_num(meta), -np.inf)
    places = np.argsort(-trust, axis=1, kind="stable").argsort(axis=1)
    kept = np.array([num_kept(how, int(num)) for num in is_read.sum(axis=1)])
    return (is_read & (places < kept[:, None])).astype(float)


def is_right(totals: np.ndarray, examples: Sequence[Example]) -> np.ndarray:
    """Per item 1 if the strictly highest total is the gold best, ties wrong; of a single one, if on the right side."""
    best, single, gold = _labels(examples)
    padded = np.where(np.isnan(totals), -np.inf, totals).round(9)
    top = padded.max(axis=1)
    is_alone = (padded == top[:, None]).sum(axis=1) == 1
    leads = is_alone & np.isfinite(top) & (padded.argmax(axis=1) == best)
    side = np.isfinite(top) & (top != MIDDLE) & ((top > MIDDLE) == (gold > MIDDLE))
    return np.where(single, side, leads).astype(float)


def is_tie(totals: np.ndarray) -> np.ndarray:
    """Whether two or more responses share the top."""
    padded = np.where(np.isnan(totals), -np.inf, totals).round(9)
    top = padded.max(axis=1)
    return np.isfinite(top) & ((padded == top[:, None]).sum(axis=1) > 1)


def _labels(examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    best = np.array([-1 if example.best is None else example.best for example in examples])
    single = np.array([len(example.responses) == 1 for example in examples])
    gold = np.array([example.label[0] if isinstance(example.label, tuple) else np.nan for example in examples])
    return best, single, gold


def right_at(found: Measured, examples: Sequence[Example], k: int, how: MetaSamples | None = None) -> np.ndarray:
    """Per item, how often k judgments are right: the mean over as many windows of the schedule as there are."""
    starts = range(0, found.scores.shape[1] - k + 1, k)
    return np.mean([_window(found, examples, slice(start, start + k), how) for start in starts], axis=0)


def _window(found: Measured, examples: Sequence[Example], part: slice, how: MetaSamples | None) -> np.ndarray:
    meta = None if found.meta is None else found.meta[:, part]
    return is_right(totals_of(found.scores[:, part], meta, how), examples)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Stopped votes before a threshold is chosen: what each item looks like after each look.

    Args:
        nums: Items x looks: how many judgments there are by then; the last look is repeated.
        chances: The chance that the decision still changes; 0 at the last look.
        right: Whether it is right.
    """

    nums: np.ndarray
    chances: np.ndarray
    right: np.ndarray

    def stopped(self, stop: float) -> tuple[np.ndarray, np.ndarray]:
        """Per item, whether the decision is right and how many judgments it took."""
        first = (self.chances < 1 - stop).argmax(axis=1)
        rows = np.arange(len(first))
        return self.right[rows, first], self.nums[rows, first]


def look(found: Measured, examples: Sequence[Example], *, block_size: int = 1, how: MetaSamples | None = None) -> Looks:
    """The looks of `grm score --stop` over the stored judgments, with the prior of the first items of the run."""
    samples = found.scores.shape[1]
    times = [_times(example, samples, block_size) for example in examples]
    prior = pooled_prior([_pooled(found, row, ts[0], how) for row, ts in enumerate(times[:POOL_SIZE])], width=WIDTH)
    nums = np.full((len(times), max(map(len, times), default=1)), samples)
    chances, right = np.zeros(nums.shape), np.zeros(nums.shape)
    for place, row_times in enumerate(times):
        nums[place, : len(row_times)] = row_times
    for place in range(nums.shape[1]):
        for row, num in enumerate(nums[:, place]):
            rows, trust = _read(found, row, num)
            left = samples - int(num)
            guide = {"meta_scores": trust, "meta_samples": how} if how is not None else {}
            chance = chance_of_change(rows, left, width=WIDTH, prior=prior, **guide) if left else 0.0
            chances[row, place] = 1.0 if chance is None else chance
        for num in np.unique(nums[:, place]):
            chosen = np.flatnonzero(nums[:, place] == num)
            right[chosen, place] = _right_of(found, examples, chosen, int(num), how)
    return Looks(nums, chances, right)


def _times(example: Example, samples: int, block_size: int) -> tuple[int, ...]:
    num = len(example.responses)
    times = looks(num, samples, block_size=block_size, num_orders=num_orders(num, samples))
    return times if num > 1 else times[-1:]  # a single response has no decision


@cache
def num_orders(num_responses: int, samples: int) -> int:
    """How many orders so many judgments are shown in."""
    return len({order for order, _ in order_schedule(num_responses, samples, seed=0, key="")})


def _read(found: Measured, row: int, num: int) -> tuple[list[tuple[float, ...]], list[float]]:
    """The rows that could be read among an item's first judgments, and their meta scores."""
    scores = found.scores[row, :num]
    width = int((~np.isnan(found.scores[row])).any(axis=0).sum())
    read = np.flatnonzero(~np.isnan(scores).all(axis=1))
    trust = [] if found.meta is None else found.meta[row, read].tolist()
    return [tuple(scores[place, :width]) for place in read], trust


def _pooled(found: Measured, row: int, num: int, how: MetaSamples | None) -> list[tuple[float, ...]]:
    rows, trust = _read(found, row, num)
    return weigh(rows, trust) if isinstance(how, str) else rows


def _right_of(
    found: Measured, examples: Sequence[Example], chosen: np.ndarray, num: int, how: MetaSamples | None
) -> np.ndarray:
    meta = None if found.meta is None else found.meta[chosen, :num]
    return is_right(totals_of(found.scores[chosen, :num], meta, how), [examples[row] for row in chosen])
