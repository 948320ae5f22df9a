"""When more samples would hardly change a decision: the model behind `--stop` and `--budget`, stated to be argued with.

The decision is the single best response of the vote, or that it is tied. Had all `samples` been drawn, would it be the
same? For each rival, the gap is what a judgment gives the leader over it.

- Gaps of one example are independent and normal, with a mean and a spread of its own. Judgments of different orders are
  drawn in whole squares, so a preference for a position widens the spread and leaves the mean alone.
- The prior is pooled over examples: means are normal around 0, spreads lie around a common one (worth four judgments).
  Both are moments of the first look at the first 64 examples of a run in input order, shrunk towards a quarter of the
  scale, worth eight examples. So the prior depends on no timing, and no later example changes it.
- The sum of the gaps to come is then a Student t. A sample moves a gap by at most the scale's width, 9 for scores from
  1 to 10: a lead larger than what is left can never be lost, and then the chance is exactly 0.
- A tie at the top is undecided, so its chance is 1; a lead that ends in a tie has changed. The chances of several
  rivals are added, which is at least the true chance. What is still to come counts as readable.
- With a meta RM, meta scores come in an order that says nothing: of the judgments kept in the end, a hypergeometric
  number are among those drawn, and they are the most trusted of them. For each number their sum is known; the others
  are as those kept now. Softly weighted, a gap is times its probability, and bounded as before.
- A single response has no decision, so no chance either: it is never stopped.

The chance is that of one look, given what it saw; looking often does not add up, since it already speaks of the end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from grmkit.scoring.guided import MetaSamples, by_trust, num_kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POOL_SIZE = 64
PRIOR_ITEMS = 8.0
PRIOR_DEGREES = 4.0
PRIOR_SPREAD = 0.25
"""Of the scale's width: of the gaps within an example, and of their means between examples."""
LEAST_SPREAD = 0.02
"""Of the scale's width: no two examples, and no two judgments, are taken to be more alike than this."""

Rows = Sequence[Sequence[float]]
"""One row per readable judgment, one column per response."""


@dataclass(frozen=True, slots=True)
class Prior:
    """How gaps vary, as variances in squared points: between the judgments of an example, and between examples."""

    within: float
    between: float


def check_stop(stop: float) -> float:
    """The same value.

    Raises:
        ValueError: If it is no chance between 0 and 1.
    """
    if not isinstance(stop, Real) or not 0 < stop < 1:
        raise ValueError(f"stop is {stop!r}; expected a chance between 0 and 1, such as 0.95")
    return stop


def looks(num_responses: int, samples: int, *, block_size: int = 1, num_orders: int | None = None) -> tuple[int, ...]:
    """After how many judgments of the schedule to look: whole squares of orders in whole blocks, ever wider apart.

    Args:
        num_responses: How many responses there are: as many orders show each once in every position.
        samples: How many judgments there are at most; the last look.
        block_size: How many streams of an order the backend draws at once; once all orders have had one, all are whole.
        num_orders: In how many orders the responses are shown; None: in as many as there are responses.

    Example:
        >>> looks(2, 32), looks(8, 32), looks(2, 32, block_size=4)
        ((2, 4, 6, 8, 12, 18, 26, 32), (8, 16, 24, 32), (8, 16, 24, 32))
        >>> looks(3, 60, block_size=4, num_orders=6)
        (24, 48, 60)
    """
    unit = num_responses if block_size == 1 else (num_orders or num_responses) * block_size
    found = [min(unit, samples)]
    while found[-1] < samples:
        step = max(unit, found[-1] // 2 // unit * unit)
        found.append(min(samples, found[-1] + step))
    return tuple(found)


def pooled_prior(first: Sequence[Rows], *, width: float) -> Prior:
    """How gaps vary within examples and between them, from the first look at some of them.

    Args:
        first: Per example what was read, softly weighted already if it is to be; one with fewer than two rows or two
            responses tells nothing.
        width: The scale's width, in points.

    Example:
        >>> pooled_prior([], width=9)
        Prior(within=5.0625, between=5.0625)
    """
    found = [_moments(rows) for rows in first if len(rows) > 1 and len(rows[0]) > 1]
    start = PRIOR_ITEMS * (PRIOR_SPREAD * width) ** 2
    weight, least = PRIOR_ITEMS + len(found), (LEAST_SPREAD * width) ** 2
    within = (start + math.fsum(scatter for scatter, _, _ in found)) / weight
    between = (start + math.fsum(square - scatter / num for scatter, square, num in found)) / weight
    return Prior(max(within, least), max(between, least))


def chance_of_change(
    rows: Rows,
    num_left: int,
    *,
    width: float,
    prior: Prior,
    meta_scores: Sequence[float] | None = None,
    meta_samples: MetaSamples = "soft",
) -> float | None:
    """The chance that so many more judgments change the decision.

    Args:
        rows: What was read, in schedule order.
        num_left: How many judgments are still to come.
        width: The scale's width: how far one judgment can move a gap, in points.
        prior: How gaps vary.
        meta_scores: The meta RM's logit of each row, if it decides who votes.
        meta_samples: How many it keeps.

    Returns:
        From 0, when it cannot change, to 1, when nothing is decided; None for a single response.

    Example:
        >>> wide = Prior(5.0, 5.0)
        >>> chance_of_change([(9, 1), (9, 2)], 1, width=9, prior=wide)  # 15 points ahead, at most 9 to lose
        0.0
        >>> chance_of_change([(6, 5), (5, 6)], 1, width=9, prior=wide)
        1.0
        >>> round(chance_of_change([(7, 5), (8, 5)], 6, width=9, prior=wide), 3)
        0.067
    """
    import numpy as np

    if rows and len(rows[0]) == 1:
        return None
    if num_left <= 0:
        return 0.0
    if not rows:
        return 1.0
    points = np.asarray(rows, float)
    num_now, num_end = len(rows), len(rows) + num_left
    if meta_scores is not None and isinstance(meta_samples, str):
        points = np.asarray(weigh(rows, meta_scores))
    elif meta_scores is not None:
        points = points[by_trust(meta_scores)]
        num_now, num_end = num_kept(meta_samples, num_now), num_kept(meta_samples, num_end)
    gaps = _gaps_of_leader(points, num_now)
    return 1.0 if gaps is None else _chance(gaps, (num_now, num_left, num_end), width, prior)


def weigh(rows: Rows, meta_scores: Sequence[float]) -> list[tuple[float, ...]]:
    """Each row times the probability that its judgment is right: unscaled, so that it is within the scale."""
    chances = [1 / (1 + math.exp(-score)) if score > -700 else 0.0 for score in meta_scores]
    return [tuple(chance * score for score in row) for chance, row in zip(chances, rows, strict=True)]


def _gaps_of_leader(points: "NDArray[np.float64]", num_now: int) -> "NDArray[np.float64] | None":
    """What each judgment gives the leader over each rival; None if none leads."""
    import numpy as np

    totals = points[:num_now].sum(axis=0).round(9)
    leader = int(totals.argmax())
    if (totals == totals[leader]).sum() > 1:
        return None
    return points[:, [leader]] - np.delete(points, leader, axis=1)


def _chance(gaps: "NDArray[np.float64]", nums: tuple[int, int, int], width: float, prior: Prior) -> float:
    """Over how many of those drawn stay to the end, and over all rivals.

    Args:
        gaps: Judgments x rivals, most trusted first.
        nums: How many of them vote now, how many judgments are to come, how many vote in the end.
        width: How far one of them moves a gap.
        prior: How they vary.
    """
    import numpy as np

    num_now, num_left, num_end = nums
    held, shares = _num_held(len(gaps), num_left, num_end)
    sums = np.vstack([np.zeros(gaps.shape[1]), gaps.cumsum(axis=0)])[held]
    left = (num_end - held)[:, None]
    chances = _overtaken(sums, left, gaps[:num_now], prior)
    chances[sums > width * left + 1e-9] = 0.0
    return float(min(1.0, shares @ chances.sum(axis=1)))


def _num_held(num_drawn: int, num_left: int, num_end: int) -> "tuple[NDArray[np.intp], NDArray[np.float64]]":
    """How many of those kept in the end may be among those drawn, and the chance of each number (hypergeometric)."""
    import numpy as np
    from scipy.special import gammaln

    def log_choose(n: Any, k: Any) -> Any:
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    held = np.arange(max(0, num_end - num_left), min(num_drawn, num_end) + 1)
    logs = log_choose(num_drawn, held) + log_choose(num_left, num_end - held)
    return held, np.exp(logs - log_choose(num_drawn + num_left, num_end))


def _overtaken(sums: Any, left: Any, seen: "NDArray[np.float64]", prior: Prior) -> "NDArray[np.float64]":
    """The chance that sums of gaps and so many more of those like the seen ones are no longer above nothing."""
    import numpy as np
    from scipy.special import stdtr

    num = len(seen)
    means = seen.mean(axis=0)
    degrees = PRIOR_DEGREES + num - 1
    spread = (PRIOR_DEGREES * prior.within + ((seen - means) ** 2).sum(axis=0)) / degrees
    doubt = 1 / (num / spread + 1 / prior.between)
    scale = np.sqrt(left * spread + left**2 * doubt)
    ahead = sums + left * doubt * num * means / spread
    with np.errstate(divide="ignore", invalid="ignore"):
        chances = stdtr(degrees, -ahead / scale)
    return np.where(left > 0, chances, sums <= 1e-9).astype(float)


def _moments(rows: Rows) -> tuple[float, float, int]:
    """Of the gaps between all pairs of responses: variance, mean square of their means, number of judgments."""
    import numpy as np

    points = np.asarray(rows, float)
    num, num_responses = points.shape
    centred = points - points.mean(axis=1, keepdims=True)
    means = centred.mean(axis=0)
    share = 2 / (num_responses - 1)  # the mean over pairs, from deviations of single responses
    scatter = share * float(((centred - means) ** 2).sum()) / (num - 1)
    return scatter, share * float((means**2).sum()), num
