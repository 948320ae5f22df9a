"""What comes back: judgments, one per sample, and the verdict they add up to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from grmkit.types.example import Principle

ABSTAIN_REASONS = ("unreadable", "refused", "too_long", "backend", "not_recorded", "out_of_domain", "no_soft_scores")


@dataclass(frozen=True, slots=True)
class Abstention:
    """Why there is no score.

    `reason` is one word a program can act on: `unreadable` (no judgment could be read), `refused` (the
    template cannot take this example), `too_long` (the prompt exceeds the judge's context), `backend` (a
    request failed for good), `not_recorded` (a recorded judge has no such answer), `out_of_domain` (the
    judge does not know this kind of text), `no_soft_scores` (they were to vote and no judgment has any).
    `detail` is for people.
    """

    reason: str
    detail: str

    def __post_init__(self) -> None:
        if self.reason not in ABSTAIN_REASONS:
            raise ValueError(f"reason is {self.reason!r}; expected one of {', '.join(ABSTAIN_REASONS)}")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(value["reason"], value["detail"])

    def to_json(self) -> dict[str, Any]:
        return {"reason": self.reason, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Tokens:
    """How much text a judge read and wrote, in the judge's own tokens."""

    prompt: int
    completion: int

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(value["prompt"], value["completion"])

    def to_json(self) -> dict[str, Any]:
        return {"prompt": self.prompt, "completion": self.completion}


SOFT_REASONS = (
    "no_alternatives",  # the judge did not say what else it might have written
    "no_place",  # no single number of the text decides a score, or it has no scale of whole numbers
    "not_aligned",  # the tokens do not spell the text
    "not_whole",  # a score is written with decimals
    "not_covered",  # too little of the probability was seen
)


@dataclass(frozen=True, slots=True)
class SoftScores:
    """The scores a judge would give on average, had it chosen each again; or why that cannot be told.

    Args:
        scores: The expected value of each score, in input order; None where it cannot be told of one of them.
        covered: The probability of what was seen and reads as a score of the scale, per response; scores are
            expectations over that much. None where it was not looked at.
        reason: Why there are none; None exactly when there are.
    """

    scores: tuple[float, ...] | None
    covered: tuple[float, ...] | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.reason is None):
            raise ValueError(f"scores is {self.scores} and reason is {self.reason!r}; expected exactly one")
        if self.reason is not None and self.reason not in SOFT_REASONS:
            raise ValueError(f"reason is {self.reason!r}; expected one of {', '.join(SOFT_REASONS)}")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        scores, covered = (None if value[name] is None else tuple(value[name]) for name in ("scores", "covered"))
        return cls(scores, covered, value["reason"])

    def to_json(self) -> dict[str, Any]:
        return {"scores": _plain(self.scores), "covered": _plain(self.covered), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Judgment:
    """One sampled reading: principles, critique, scores, and the text they were read from.

    Args:
        principles: The criteria the judge wrote, in its order, as far as they could be told apart.
        critique: The judge's reasoning in its own words; it names responses by the position shown.
        scores: One per response in input order; None when the text could not be read.
        order: `order[p]` is the input index of the response shown at position p.
        text: What the judge wrote; None if it wrote nothing.
        stream: Which sample of this order it is, from 0; order and stream together name the sample.
        finish_reason: Why the judge stopped, in the server's word.
        unparsed_reason: Why there are no scores; None exactly when there are.
        meta_score: How much a meta RM trusts this judgment; None without one.
        critiques: The part of the critique about each response, in input order; None where not told apart.
        soft: The expected values of the scores; None unless asked for, and where the text could not be read.
    """

    principles: tuple[Principle, ...]
    critique: str | None
    scores: tuple[float, ...] | None
    order: tuple[int, ...]
    text: str | None
    stream: int
    finish_reason: str | None = None
    unparsed_reason: str | None = None
    meta_score: float | None = None
    critiques: tuple[str | None, ...] | None = None
    soft: SoftScores | None = None

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.unparsed_reason is None):
            raise ValueError(
                f"scores is {self.scores} and unparsed_reason is {self.unparsed_reason!r}; expected exactly one"
            )

    @property
    def is_parsed(self) -> bool:
        return self.scores is not None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        fields = dict(value)
        fields["principles"] = tuple(Principle.from_json(item) for item in value["principles"])
        for name in ("scores", "order", "critiques"):
            fields[name] = None if value.get(name) is None else tuple(value[name])
        fields["soft"] = None if value.get("soft") is None else SoftScores.from_json(value["soft"])
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; `soft` is left out where it is None."""
        return {
            "principles": [principle.to_json() for principle in self.principles],
            "critique": self.critique,
            "scores": _plain(self.scores),
            "order": list(self.order),
            "text": self.text,
            "stream": self.stream,
            "finish_reason": self.finish_reason,
            "unparsed_reason": self.unparsed_reason,
            "meta_score": self.meta_score,
            "critiques": _plain(self.critiques),
            **({} if self.soft is None else {"soft": self.soft.to_json()}),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the caller gets after voting.

    Args:
        id: The example's id.
        scores: One per response in input order, in rubric points: the sum over the judgments that voted, which are
            all that could be read unless a meta RM chose (arXiv 2504.02495, Eq. 14). None if none could be read. With
            soft scores as scores, the same sum of their expected values.
        mean_scores: `scores` divided by the number of judgments that voted; compare verdicts by this.
        ranking: The rank of each response in input order, 1 for the best; ties share a rank.
        best: Index of the best response; None if the verdict abstains or the top is tied.
        confidence: Chance that the best stays best if as many judgments again were drawn; None when undefined.
        samples: How many judgments were drawn.
        unparsed: How many of them could not be read; kept, never counted.
        abstained: Why there is no score; None when there is one.
        tokens: What the judgments took; None if the judge does not say.
        cost: The same in money, by the prices given; None without prices.
        judgments: All of them, readable or not, in the order of the schedule.
        voted: How many of them voted, where a meta RM chose or some have no soft scores to vote with; None where all
            that could be read did.
        soft_scores: The sums of the expected values that break ties, over the judgments that voted; None unless that
            was asked for and one of them has some.
    """

    id: str
    scores: tuple[float, ...] | None
    mean_scores: tuple[float, ...] | None
    ranking: tuple[int, ...] | None
    best: int | None
    confidence: float | None
    samples: int
    unparsed: int
    abstained: Abstention | None
    tokens: Tokens | None
    cost: float | None
    judgments: tuple[Judgment, ...]
    voted: int | None = None
    soft_scores: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.abstained is None):
            raise ValueError(f"scores is {self.scores} and abstained is {self.abstained}; expected exactly one")

    @property
    def is_tie(self) -> bool:
        """Whether there are scores but no single best response."""
        return self.scores is not None and self.best is None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        fields = dict(value)
        for name in ("scores", "mean_scores", "ranking", "soft_scores"):
            fields[name] = None if value.get(name) is None else tuple(value[name])
        fields["abstained"] = None if value["abstained"] is None else Abstention.from_json(value["abstained"])
        fields["tokens"] = None if value["tokens"] is None else Tokens.from_json(value["tokens"])
        fields["judgments"] = tuple(Judgment.from_json(item) for item in value["judgments"])
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; `voted` and `soft_scores` are left out where they are None."""
        return {
            "id": self.id,
            "scores": _plain(self.scores),
            "mean_scores": _plain(self.mean_scores),
            "ranking": _plain(self.ranking),
            "best": self.best,
            "confidence": self.confidence,
            "samples": self.samples,
            "unparsed": self.unparsed,
            "abstained": None if self.abstained is None else self.abstained.to_json(),
            "tokens": None if self.tokens is None else self.tokens.to_json(),
            "cost": self.cost,
            "judgments": [judgment.to_json() for judgment in self.judgments],
            **({} if self.voted is None else {"voted": self.voted}),
            **({} if self.soft_scores is None else {"soft_scores": list(self.soft_scores)}),
        }


def _plain(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)
