"""One scale for scores that were given in several lists: every list has its own level, every response its own effect.

The model: a score is the list's level plus the response's effect plus noise of one spread, fitted by least squares. A
judge that grades on a curve, or was strict once, moves a level and no effect. What a list tells is how its responses
compare; two that shared no list are compared by way of others. So the lists must be connected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COVERAGE = 0.95
DECIMALS = 9
"""To which the results are rounded: beyond it machines differ."""

Graded = tuple[Sequence[int], Sequence[float]]
"""One list: which responses, and the score of each."""


@dataclass(frozen=True, slots=True)
class Additive:
    """What a fit gives for each response.

    Args:
        means: Its effect on the scale of the scores: levels average zero over all scores given.
        intervals: The 95 % interval of each around the level of all (Student t); None where nothing is left over to
            measure the noise by: no more scores than it takes to fit, or scores that fit exactly.
    """

    means: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...] | None


def fit_additive(lists: Sequence[Graded], num_responses: int) -> Additive:
    """The effect of every response, of scores given in lists.

    Args:
        lists: Each with its responses, by number from 0, and their scores; they must be connected.
        num_responses: How many responses there are.

    Raises:
        ValueError: If the lists are not connected, so that there is no common scale.

    Example:
        >>> fit_additive([((0, 1), (8, 6)), ((1, 2), (5, 3))], 3)
        Additive(means=(7.5, 5.5, 3.5), intervals=None)
    """
    import numpy as np

    num_parts = count_parts([members for members, _ in lists], num_responses)
    if num_parts != 1:
        raise ValueError(f"the lists fall into {num_parts} parts that share no response; expected one")
    given = np.array([score for _, scores in lists for score in scores], float)
    shown = np.zeros(num_responses)
    links, gains, scatter = np.zeros((num_responses, num_responses)), np.zeros(num_responses), 0.0
    for members, scores in lists:
        index, rest = list(members), np.array(scores, float) - np.mean(scores)
        shown[index] += 1
        links[np.ix_(index, index)] += np.eye(len(index)) - 1 / len(index)
        gains[index] += rest
        scatter += float(rest @ rest)
    inverse = np.linalg.inv(links + 1 / num_responses) - 1 / num_responses  # of the part across the common level
    effects = inverse @ gains
    level = np.eye(num_responses) - shown / shown.sum()
    means = given.mean() + level @ effects
    degrees = len(given) - len(lists) - num_responses + 1
    unexplained = scatter - float(effects @ gains)
    intervals = _intervals(means, np.diag(level @ inverse @ level.T), unexplained, degrees)
    return Additive(tuple(round(float(mean), DECIMALS) for mean in means), intervals)


def count_parts(lists: Sequence[Sequence[int]], num_responses: int) -> int:
    """Into how many parts that share no list the responses fall; 1: they are connected.

    Example:
        >>> count_parts([(0, 1), (1, 2)], 4)
        2
    """
    part = list(range(num_responses))
    for members in lists:
        joined = {part[member] for member in members}
        part = [min(joined) if name in joined else name for name in part]
    return len(set(part))


def _intervals(
    means: "NDArray[np.float64]", variances: "NDArray[np.float64]", unexplained: float, degrees: int
) -> tuple[tuple[float, float], ...] | None:
    import numpy as np
    from scipy.special import stdtrit

    if degrees < 1 or unexplained < 10.0**-DECIMALS:
        return None
    reach = stdtrit(degrees, (1 + COVERAGE) / 2) * np.sqrt(unexplained / degrees * variances)
    ends = np.stack([means - reach, means + reach], axis=1)
    return tuple((round(float(low), DECIMALS), round(float(high), DECIMALS)) for low, high in ends)
