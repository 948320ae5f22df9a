"""What soft scores do to a vote: break its ties, or be what is voted on.

| | judgments vote with | a readable judgment without soft scores |
|---|---|---|
| `ties` | their scores; their soft scores decide among the tied | stands as it was written, and moves no tie |
| `scores` | their soft scores | does not vote |
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from grmkit.scoring.guided import MetaSamples, keep_rows
from grmkit.scoring.tally import abstain, meta_scores_of, tally
from grmkit.scoring.voting import vote
from grmkit.templates import Template
from grmkit.types import Abstention, Judgment, Verdict

Soft = Literal["ties", "scores"]
"""What soft scores are for."""

TIES, SCORES = get_args(Soft)


def check_soft(soft: Soft | None, template: Template | None = None) -> Soft | None:
    """The same value.

    Raises:
        ValueError: If it is neither `ties` nor `scores`, or the template's answers hold no scores.
    """
    if soft is not None and soft not in (TIES, SCORES):
        raise ValueError(f"soft is {soft!r}; expected {TIES!r}, {SCORES!r} or None")
    if soft is not None and template is not None and template.name.startswith("llm-judge"):
        raise ValueError(
            f"soft is {soft!r}, but {template.name} names the better response and gives no scores; expected a template "
            "that scores every response, such as deepseek-grm"
        )
    return soft


def voting(judgments: Sequence[Judgment], soft: Soft | None) -> Sequence[Judgment]:
    """The judgments as they vote: with soft scores as scores, those that have some; else all."""
    if soft != SCORES:
        return judgments
    return [replace(one, scores=one.soft.scores) for one in judgments if one.soft is not None and one.soft.scores]


def soft_tally(example_id: str, judgments: Sequence[Judgment], *, soft: Soft | None, **how: Any) -> Verdict:
    """The verdict of `tally`, with what soft scores change in it.

    Args:
        example_id: The example's id.
        judgments: All judgments drawn, in schedule order.
        soft: What soft scores are for; None leaves everything as it is.
        how: Further arguments of `tally`.

    Raises:
        ValueError: As `tally` does.
    """
    verdict = tally(example_id, judgments, **how)
    if soft is None or verdict.scores is None:
        return verdict
    if soft == TIES:
        return _with_ties_broken(verdict, how.get("meta_samples"))
    counted = voting(judgments, soft)
    num_read = len(judgments) - verdict.unparsed
    if not counted:
        detail = f"none of {num_read} readable judgments has soft scores: {_reasons(judgments)}"
        abstention = Abstention("no_soft_scores", detail)
        return abstain(example_id, abstention, judgments, tokens=how.get("tokens"), prices=how.get("prices"))
    found = tally(example_id, counted, **how)
    voted = len(counted) if found.voted is None and len(counted) < num_read else found.voted
    return replace(found, judgments=verdict.judgments, samples=verdict.samples, unparsed=verdict.unparsed, voted=voted)


def _with_ties_broken(verdict: Verdict, meta_samples: MetaSamples | None) -> Verdict:
    """Responses of one rank are told apart by their soft scores; `scores` and `confidence` stay those of the vote.

    To a hundredth of a point a judgment: below it is what one machine computes otherwise than another.
    """
    read = [one for one in verdict.judgments if one.scores is not None]
    soft = [None if one.soft is None else one.soft.scores for one in read]
    rows = [told or one.scores or () for told, one in zip(soft, read, strict=True)]
    has_soft = [(float(told is not None),) for told in soft]
    if meta_samples is not None:
        trust = meta_scores_of(read)
        rows, has_soft = (keep_rows(every, trust, meta_samples) for every in (rows, has_soft))
    if verdict.ranking is None or not any(has for (has,) in has_soft):
        return verdict
    totals = vote(rows)
    keys = [(-place, round(total / len(rows), 2)) for place, total in zip(verdict.ranking, totals, strict=True)]
    ranking = tuple(1 + sum(other > key for other in keys) for key in keys)
    best = ranking.index(1) if ranking.count(1) == 1 else None
    return replace(verdict, ranking=ranking, best=best, soft_scores=totals)


def _reasons(judgments: Sequence[Judgment]) -> str:
    found = [str(one.soft.reason if one.soft is not None else "not asked for") for one in judgments if one.is_parsed]
    return ", ".join(f"{found.count(reason)} {reason}" for reason in sorted(set(found)))
