"""How sure a vote is: the chance that the best stays best.

Model: what a judgment gives the best response over a rival is normal around an unknown mean with an unknown
spread. Prior, stated so that it can be argued with: one earlier judgment that saw no difference, and a spread of a
quarter of the rubric's range worth two judgments (normal-inverse-chi-squared: mean 0, weight 1; scale range/4,
2 degrees of freedom). Its calibration is an empirical matter.
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

    With one rival this is the chance itself, a Student-t probability. With several it is the lower bound
    that subtracts every rival's chance to overtake (Bonferroni), never below 0.

    Args:
        scores: One row per readable judgment, one column per response (k x n).
        best: Index of the response with the highest total, None if the top is tied.
        score_range: Lowest and highest score the rubric allows.

    Returns:
        A number from 0 to 1; None where it is not defined: fewer than two readable judgments, a single
        response, or a tie.

    Example:
        >>> round(confidence([(7, 4), (6, 5)], 0, score_range=(1, 10)), 3)
        0.935
    """
    if best is None or len(scores) < 2 or len(scores[0]) < 2:
        return None
    spread = PRIOR_SPREAD * (score_range[1] - score_range[0])
    overtaken = (
        _chance_overtaken([row[best] - row[rival] for row in scores], spread)
        for rival in range(len(scores[0]))
        if rival != best
    )
    return round(max(0.0, 1.0 - math.fsum(overtaken)), 6)


def _chance_overtaken(gaps: Sequence[float], spread: float) -> float:
    """Chance that the gaps seen and as many new ones add up to less than nothing."""
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
