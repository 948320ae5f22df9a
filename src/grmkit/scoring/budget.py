"""Where to spend a budget of judgments: on the examples whose decisions are most open.

Every example gets its first look. Then, round by round, the most open quarter of the examples takes its next step,
until the budget is spent or no further sample can change anything. Examples without a decision (a single response)
come after all those with one that is open.
"""

from collections.abc import Sequence
from numbers import Integral

SHARE = 4
"""One in so many of the open examples is served per round."""


def check_budget(budget: int, num_examples: int) -> int:
    """The same budget.

    Raises:
        ValueError: If it is no whole number, or less than one judgment per example.
    """
    if not isinstance(budget, Integral):
        raise ValueError(f"budget is {budget!r}; expected a whole number of judgments")
    if budget < max(num_examples, 1):
        raise ValueError(
            f"budget is {budget:,} judgments for {num_examples:,} examples; expected at least one each, so "
            f"{max(num_examples, 1):,} or more"
        )
    return budget


def first_round(budget: int, steps: Sequence[int]) -> list[int]:
    """How many judgments each example gets at first: its first look if all can have theirs, else one.

    Example:
        >>> first_round(10, [2, 2, 3]), first_round(5, [2, 2, 3])
        ([2, 2, 3], [1, 1, 1])
    """
    return list(steps) if sum(steps) <= budget else [1] * len(steps)


def next_round(
    chances: Sequence[float | None], steps: Sequence[int], drawn: Sequence[int], left: int
) -> dict[int, int]:
    """Which examples are served next, with how many judgments each; of equally open ones, those with fewest so far.

    Args:
        chances: Per example the chance that its decision changes; None without one. At 0 it is closed.
        steps: Per example how many judgments to its next look; 0 if it has all.
        drawn: Per example how many it has.
        left: What is left of the budget.

    Returns:
        Judgments by example; the last one served may get less than its step. Empty: there is nothing to be done.

    Example:
        >>> next_round([0.4, 0.0, 1.0, None], [2, 2, 2, 2], [2, 2, 2, 2], 5)
        {2: 2}
    """
    unfinished = [place for place, step in enumerate(steps) if step]
    openness = {place: chance for place in unfinished if (chance := chances[place]) is not None and chance > 0}
    candidates = list(openness) or [place for place in unfinished if chances[place] is None]
    served = sorted(candidates, key=lambda place: (-openness.get(place, 0.0), drawn[place]))
    served = served[: -(-len(candidates) // SHARE)]
    found: dict[int, int] = {}
    for place in served:
        if left > 0:
            found[place] = min(steps[place], left)
            left -= found[place]
    return found
