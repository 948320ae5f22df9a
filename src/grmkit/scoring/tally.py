"""Turn the judgments of one example into a verdict."""

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grmkit.scoring.confidence import confidence
from grmkit.scoring.guided import MetaSamples, keep_rows
from grmkit.scoring.voting import rank, vote, winners
from grmkit.types import Abstention, Judgment, Tokens, Verdict

Rule = Literal["sum", "mean", "majority"]
"""How judgments decide: by added points, by mean points (the same ranking), or by one vote each."""

RULES: tuple[Rule, ...] = ("sum", "mean", "majority")


@dataclass(frozen=True, slots=True)
class Prices:
    """What a judge charges, in money per million tokens."""

    prompt: float
    completion: float

    def cost(self, tokens: Tokens) -> float:
        return round((tokens.prompt * self.prompt + tokens.completion * self.completion) / 1e6, 9)


def tally(
    example_id: str,
    judgments: Sequence[Judgment],
    *,
    score_range: tuple[float, float],
    rule: Rule = "sum",
    tokens: Tokens | None = None,
    prices: Prices | None = None,
    meta_samples: MetaSamples | None = None,
) -> Verdict:
    """Add up the readable judgments, or those of them that a meta RM trusts most; abstain if there is none.

    Args:
        example_id: The example's id.
        judgments: All judgments drawn, in schedule order; the unreadable are kept and counted, never added.
        score_range: Lowest and highest score the rubric allows, for the confidence.
        rule: What decides `best`, `ranking` and `confidence`; `scores` and `mean_scores` are always points.
        tokens: What the judgments took.
        prices: What that costs.
        meta_samples: How many of the readable judgments vote, by their meta scores; None lets all of them.

    Raises:
        ValueError: If there are no judgments, the rule is unknown or a meta score that is needed is missing.
    """
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}; expected one of {', '.join(RULES)}")
    if not judgments:
        raise ValueError("no judgments to tally; an example that was not judged has an abstention, not a verdict")
    rows = [judgment.scores for judgment in judgments if judgment.scores is not None]
    if not rows:
        return abstain(example_id, unreadable(judgments), judgments, tokens=tokens, prices=prices)
    deciding = winners(rows) if rule == "majority" else rows
    if meta_samples is not None:
        trust = meta_scores_of(judgments)
        rows, deciding = (keep_rows(every, trust, meta_samples) for every in (rows, deciding))
    totals = vote(rows)
    ranking = rank(tuple(round(total, 9) for total in vote(deciding)))
    best = ranking.index(1) if ranking.count(1) == 1 else None
    return Verdict(
        id=example_id,
        scores=totals,
        mean_scores=tuple(total / len(rows) for total in totals),
        ranking=ranking,
        best=best,
        confidence=confidence(deciding, best, score_range=(0, 1) if rule == "majority" else score_range),
        samples=len(judgments),
        unparsed=sum(not judgment.is_parsed for judgment in judgments),
        abstained=None,
        tokens=tokens,
        cost=None if prices is None or tokens is None else prices.cost(tokens),
        judgments=tuple(judgments),
        voted=None if meta_samples is None else len(rows),
    )


def meta_scores_of(judgments: Sequence[Judgment]) -> list[float]:
    """The meta score of every readable judgment.

    Raises:
        ValueError: If one has none.
    """
    found = [judgment.meta_score for judgment in judgments if judgment.scores is not None]
    trust = [score for score in found if score is not None]
    if len(trust) < len(found):
        raise ValueError(f"{len(found) - len(trust)} of {len(found)} readable judgments have no meta score")
    return trust


def abstain(
    example_id: str,
    abstention: Abstention,
    judgments: Sequence[Judgment] = (),
    *,
    tokens: Tokens | None = None,
    prices: Prices | None = None,
) -> Verdict:
    """A verdict without scores, with the reason and whatever judgments there are."""
    return Verdict(
        id=example_id,
        scores=None,
        mean_scores=None,
        ranking=None,
        best=None,
        confidence=None,
        samples=len(judgments),
        unparsed=sum(not judgment.is_parsed for judgment in judgments),
        abstained=abstention,
        tokens=tokens,
        cost=None if prices is None or tokens is None else prices.cost(tokens),
        judgments=tuple(judgments),
    )


def break_tie(verdict: Verdict, *, seed: int) -> int | None:
    """One of the responses that share the first rank, drawn by this seed and the verdict's id; None if it abstains."""
    if verdict.ranking is None:
        return None
    tied = [index for index, place in enumerate(verdict.ranking) if place == 1]
    digest = hashlib.sha256(f"tie:{seed}:{verdict.id}".encode()).digest()
    return random.Random(digest).choice(tied)


def unreadable(judgments: Sequence[Judgment]) -> Abstention:
    """Why none of these judgments could be read."""
    reasons = Counter(str(judgment.unparsed_reason) for judgment in judgments)
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return Abstention("unreadable", f"none of {len(judgments)} judgments could be read: {listed}")
