"""How sure a vote is: the chance that the best stays best.

Two models, with their priors stated so that they can be argued with; their calibration is an empirical matter.

- Points: what a judgment gives the best response over a rival is normal around an unknown mean with an unknown
  spread. Prior: one earlier judgment that saw no difference, and a spread of a quarter of the rubric's range worth two
  judgments (normal-inverse-chi-squared: mean 0, weight 1; scale range/4, 2 degrees of freedom).
- Votes (a judge that only names a winner): each judgment that decides between the two does so for the best one with an
  unknown probability. Prior: uniform.

With several rivals the chances to hold each of them off are multiplied, as if they were independent; they share the
best response's own luck, so the true chance is rather higher.
"""

import math
from collections.abc import Sequence

PRIOR_WEIGHT = 1.0
PRIOR_DEGREES = 2.0
PRIOR_SPREAD = 0.25
"""Of the rubric's range."""


def confidence(
    scores: Sequence[Sequence[float]], best: int | None, *, score_range: tuple[float, float]
) -> float | None:
    """Posterior-predictive chance that the best response is still best after as many judgments again.

    Args:
        scores: One row per readable judgment, one column per response (k x n).
        best: Index of the response with the highest total, None if the top is tied.
        score_range: Lowest and highest score the rubric allows; (0, 1) with nothing in between means votes.

    Returns:
        A number from 0 to 1; None where it is not defined: fewer than two readable judgments, a single
        response, or a tie.

    Example:
        >>> round(confidence([(7, 4), (6, 5)], 0, score_range=(1, 10)), 3)
        0.935
        >>> round(confidence([(1, 0), (1, 0)], 0, score_range=(0, 1)), 3)
        0.9
    """
    if best is None or len(scores) < 2 or len(scores[0]) < 2:
        return None
    low, high = score_range
    is_votes = (low, high) == (0, 1) and all(score in (0, 1) for row in scores for score in row)
    held = 1.0
    for rival in range(len(scores[0])):
        if rival != best:
            gaps = [row[best] - row[rival] for row in scores]
            held *= 1.0 - (_outvoted(gaps) if is_votes else _overtaken(gaps, PRIOR_SPREAD * (high - low)))
    return round(held, 6)


def _outvoted(gaps: Sequence[float]) -> float:
    """Chance that as many deciding votes again take the lead away: beta-binomial, uniform prior."""
    from scipy.special import betaln, comb

    wins, losses = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    num = wins + losses
    most = (num + losses - wins) // 2  # with so many new votes for it the best no longer leads
    log_prior = betaln(1 + wins, 1 + losses)
    return math.fsum(
        comb(num, new) * math.exp(betaln(1 + wins + new, 1 + losses + num - new) - log_prior) for new in range(most + 1)
    )


def _overtaken(gaps: Sequence[float], spread: float) -> float:
    """Chance that the gaps seen and as many new ones add up to less than nothing: Student t."""
    from scipy.special import stdtr

    k = len(gaps)
    total = math.fsum(gaps)
    weight = PRIOR_WEIGHT + k
    mean = total / weight
    degrees = PRIOR_DEGREES + k
    scatter = math.fsum((gap - total / k) ** 2 for gap in gaps)
    squares = PRIOR_DEGREES * spread**2 + scatter + PRIOR_WEIGHT * k / weight * (total / k) ** 2
    scale = math.sqrt(squares / degrees * (k + k * k / weight))
    return float(stdtr(degrees, -(total + k * mean) / scale))
