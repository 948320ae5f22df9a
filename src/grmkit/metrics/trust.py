"""How well a meta RM tells right judgments from wrong ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

NUM_RESAMPLES = 2000


def auc(scores: Sequence[float], is_right: Sequence[bool]) -> float:
    """The chance that a right judgment scores above a wrong one; equal scores count half (Mann-Whitney).

    Raises:
        ValueError: If all are right or all are wrong.

    Example:
        >>> auc([2.0, 1.0, 1.0, 0.0], [True, True, False, False])
        0.875
    """
    right = np.asarray(is_right, bool)
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    if not num_right or not num_wrong:
        raise ValueError(f"{num_right} judgments are right and {num_wrong} wrong; expected some of both")
    ranks = rankdata(scores)
    return float((ranks[right].sum() - num_right * (num_right + 1) / 2) / (num_right * num_wrong))


def auc_interval(
    scores: Sequence[float], is_right: Sequence[bool], groups: Sequence[Any], *, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the AUC: items are drawn anew, with all their judgments, 2,000 times."""
    right = np.asarray(is_right, bool)
    _, level = np.unique(np.asarray(scores, float), return_inverse=True)
    _, places = np.unique(np.asarray([str(group) for group in groups]), return_inverse=True)
    num_groups = int(places.max()) + 1
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(NUM_RESAMPLES):
        times = np.bincount(rng.integers(num_groups, size=num_groups), minlength=num_groups)[places]
        rights, wrongs = (np.bincount(level, times * chosen) for chosen in (right, ~right))
        if rights.any() and wrongs.any():
            below = np.cumsum(wrongs) - wrongs / 2  # equal scores count half
            found.append((rights * below).sum() / (rights.sum() * wrongs.sum()))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def calibration(scores: Sequence[float], is_right: Sequence[bool], *, num_bins: int = 10) -> dict[str, Any]:
    """Whether a logit's probability is how often judgments of that logit are right.

    Returns:
        As `chance_calibration`.
    """
    return chance_calibration(expit(np.asarray(scores, float)).tolist(), is_right, num_bins=num_bins)


def chance_calibration(chances: Sequence[float], is_right: Sequence[bool], *, num_bins: int = 10) -> dict[str, Any]:
    """Whether what is told to have a chance (a verdict's confidence, say) comes true as often as told.

    Returns:
        `ece`: the mean gap between the two over bins of equal size, weighted by how many are in each; `brier`: the mean
        squared gap each; `bins`: per bin the mean chance, the share that is right, and how many.

    Raises:
        ValueError: If there are none, they are not one each, or a chance is not from 0 to 1.

    Example:
        >>> chance_calibration([0.9, 0.5], [True, False], num_bins=1)["bins"]
        [(0.7, 0.5, 2)]
    """
    told, right = np.asarray(chances, float), np.asarray(is_right, float)
    if not len(told) or told.shape != right.shape:
        raise ValueError(f"{told.size} chances for {right.size} outcomes; expected one each, and at least one")
    if len(wrong := np.flatnonzero(~((told >= 0) & (told <= 1)))):
        raise ValueError(f"chance {wrong[0]} is {told[wrong[0]]}; expected from 0 to 1")
    parts = [part for part in np.array_split(np.argsort(told, kind="stable"), num_bins) if len(part)]
    bins = [(float(told[part].mean()), float(right[part].mean()), len(part)) for part in parts]
    ece = sum(num * abs(mean - found) for mean, found, num in bins) / len(right)
    return {"ece": float(ece), "brier": float(((told - right) ** 2).mean()), "bins": bins}


def top_half(scores: Sequence[Sequence[float]], is_right: Sequence[Sequence[bool]]) -> tuple[float, float]:
    """How many judgments are right among those a meta RM keeps, and among all.

    Args:
        scores: Per item, the meta score of each judgment; half of them, rounded up, are kept.
        is_right: Per item, whether each is right.

    Example:
        >>> top_half([[2.0, 1.0], [0.0, 3.0]], [[True, False], [True, False]])
        (0.5, 0.5)
    """
    kept = []
    for values, right in zip(scores, is_right, strict=True):
        order = np.argsort(-np.asarray(values), kind="stable")[: -(-len(values) // 2)]
        kept.extend(right[place] for place in order)
    every = [value for row in is_right for value in row]
    return float(np.mean(kept)), float(np.mean(every))
