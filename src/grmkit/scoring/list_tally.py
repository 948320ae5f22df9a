"""Turn judgments of lists into a verdict on one scale."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from grmkit.metrics.additive import Additive, count_parts, fit_additive
from grmkit.scoring.tally import Prices, abstain, unreadable
from grmkit.scoring.voting import rank
from grmkit.types import Abstention, Judgment, Lists, Tokens, Verdict


def tally_lists(
    example_id: str,
    judgments: Sequence[Judgment],
    *,
    num_responses: int,
    list_size: int,
    tokens: Tokens | None = None,
    prices: Prices | None = None,
) -> Verdict:
    """Fit what the readable lists say on one scale; abstain if none could be read, or those do not connect.

    Args:
        example_id: The example's id.
        judgments: All judgments drawn, each of a list; the unreadable are kept and counted, never fitted.
        num_responses: How many responses the example has.
        list_size: The most responses in a list.
        tokens: What the judgments took.
        prices: What that costs.

    Raises:
        ValueError: If there are no judgments.
    """
    if not judgments:
        raise ValueError("no judgments to tally; an example that was not judged has an abstention, not a verdict")
    graded = [(one.shown, one.scores) for one in judgments if one.scores is not None]
    lists = overlap([shown for shown, _ in graded], num_responses, list_size)
    if not lists.is_connected:
        why = unreadable(judgments) if not graded else _disconnected(judgments, num_responses)
        return replace(abstain(example_id, why, judgments, tokens=tokens, prices=prices), lists=lists)
    fit = fit_additive(graded, num_responses)
    return _verdict(example_id, judgments, fit, lists, (tokens, prices))


def overlap(lists: Sequence[Sequence[int]], num_responses: int, list_size: int) -> Lists:
    """How these lists overlap; no intervals yet."""
    shown = [0] * num_responses
    together = dict.fromkeys(combinations(range(num_responses), 2), 0)
    for members in lists:
        for member in members:
            shown[member] += 1
        for pair in combinations(sorted(members), 2):
            together[pair] += 1
    return Lists(
        size=list_size,
        shown=tuple(shown),
        together_min=min(together.values()),
        together_mean=round(sum(together.values()) / len(together), 4),
        is_connected=count_parts(lists, num_responses) == 1,
        intervals=None,
    )


def _verdict(
    example_id: str,
    judgments: Sequence[Judgment],
    fit: Additive,
    lists: Lists,
    paid: tuple[Tokens | None, Prices | None],
) -> Verdict:
    ranking = rank(fit.means)
    often = sum(lists.shown) / len(lists.shown)
    tokens, prices = paid
    return Verdict(
        id=example_id,
        scores=tuple(round(mean * often, 9) for mean in fit.means),
        mean_scores=fit.means,
        ranking=ranking,
        best=ranking.index(1) if ranking.count(1) == 1 else None,
        confidence=None,
        samples=len(judgments),
        unparsed=sum(not judgment.is_parsed for judgment in judgments),
        abstained=None,
        tokens=tokens,
        cost=None if prices is None or tokens is None else prices.cost(tokens),
        judgments=tuple(judgments),
        lists=replace(lists, intervals=fit.intervals),
    )


def _disconnected(judgments: Sequence[Judgment], num_responses: int) -> Abstention:
    read = [one.shown for one in judgments if one.is_parsed]
    parts = count_parts(read, num_responses)
    return Abstention(
        "disconnected",
        f"the {len(read)} of {len(judgments)} lists that could be read fall into {parts} parts that share no response, "
        "so there is no common scale; draw more samples",
    )
