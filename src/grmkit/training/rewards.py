"""What a rollout earns, and what is watched while it does."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from grmkit.errors import PromptTooLong
from grmkit.objectives.rule import Outcome, outcome_of, rule_reward
from grmkit.scoring.meta_rm import Judged, MetaRM
from grmkit.templates import Template
from grmkit.types import Example

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reward:
    """+1 or -1 by the rule; with a meta RM, a right judgment earns less the less it is trusted.

    Args:
        template: How judgments are read.
        stops: The tokens that end a judgment: one that did not end in the room it had is unreadable.
        examples: What is judged, by number.
        meta_rm: Who says how far to trust a judgment; nobody, if left out.
        meta_weight: The share of that in the reward of a right judgment, from 0 to 1.
    """

    template: Template
    stops: Collection[int]
    examples: Sequence[Example]
    meta_rm: MetaRM | None = None
    meta_weight: float = 0.0

    def function(self) -> Callable[..., list[float | None]]:
        """The reward as TRL calls it, which also logs how often judgments are readable, tied and right."""

        def rule(
            completions: Sequence[Any], completion_ids: Sequence[Sequence[int]], log_metric: Any, **columns: Any
        ) -> list[float | None]:
            outcomes = self.outcomes(completions, completion_ids, columns["order"], columns["label"])
            for name, value in watch(outcomes, columns["domain"]).items():
                log_metric(name, value)
            if "replaced" in columns:
                log_metric("replaced_groups", columns["replaced"][0])
            return [*self.earned(outcomes, completions, columns["index"], columns["order"])]

        return rule

    def by_rule(
        self, completions: Sequence[Any], completion_ids: Sequence[Sequence[int]], **columns: Any
    ) -> list[float]:
        """What rollouts earn by the rule alone."""
        outcomes = self.outcomes(completions, completion_ids, columns["order"], columns["label"])
        return [rule_reward(outcome) for outcome in outcomes]

    def outcomes(
        self,
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        orders: Sequence[Sequence[int]],
        labels: Sequence[int | list[float]],
    ) -> list[Outcome]:
        """What came of each rollout; labels are in the order shown."""
        found = []
        for text, ids, shown, gold in zip(completions, completion_ids, orders, labels, strict=True):
            reason = "stop" if ids[-1] in self.stops else "length"
            reading = self.template.parse(text[-1]["content"], len(shown), finish_reason=reason)
            found.append(outcome_of(reading.scores, gold))
        return found

    def earned(
        self,
        outcomes: Sequence[Outcome],
        completions: Sequence[Any],
        indices: Sequence[int],
        orders: Sequence[Sequence[int]],
    ) -> list[float]:
        """The reward of each rollout (DeepSeekMath-V2, arXiv 2511.22570, for the meta RM's part of it)."""
        rewards = [rule_reward(outcome) for outcome in outcomes]
        right = [place for place, outcome in enumerate(outcomes) if outcome == "right"]
        if self.meta_rm is None or not right:
            return rewards
        judged = [(self.examples[indices[place]], orders[place], completions[place][-1]["content"]) for place in right]
        for place, trust in zip(right, trusts(self.meta_rm, judged), strict=True):
            rewards[place] *= 1 - self.meta_weight + self.meta_weight * trust
        return rewards


def trusts(meta_rm: MetaRM, judged: Sequence[Judged]) -> list[float]:
    """How likely each judgment is right by the meta RM; 0 for one that is too long for it to read."""
    try:
        return [1 / (1 + math.exp(-logit)) for logit in asyncio.run(meta_rm.ascore(judged))]
    except PromptTooLong as error:
        if len(judged) > 1:
            return [trust for one in judged for trust in trusts(meta_rm, [one])]
        logger.warning("the meta RM cannot read a rollout, so it is not trusted: %s", error)
        return [0.0]


def watch(outcomes: Sequence[Outcome], domains: Sequence[str]) -> dict[str, float]:
    """Shares of readable, tied and right judgments, and the accuracy of each domain."""
    counts = Counter(outcomes)
    found = {
        "parse_rate": 1 - counts["unreadable"] / len(outcomes),
        "tie_rate": counts["tie"] / len(outcomes),
        "accuracy": counts["right"] / len(outcomes),
    }
    for domain in sorted(set(domains) - {""}):
        own = [outcome for outcome, other in zip(outcomes, domains, strict=True) if other == domain]
        found[f"accuracy/{domain}"] = own.count("right") / len(own)
    return found
