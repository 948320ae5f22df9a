"""Vote again over what a ledger holds: nothing is sampled, answers are read anew by today's parser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import Any

from grmkit.ledger import Ledger, meta_scores
from grmkit.ledger.keys import digest
from grmkit.ledger.maintain import Entry, entries
from grmkit.scoring.guided import DEFAULT_META_SAMPLES, MetaSamples, check_meta_samples
from grmkit.scoring.orders import Order, order_schedule
from grmkit.scoring.sampling import read_judgment, tokens_of
from grmkit.scoring.soft_vote import Soft, check_soft, soft_tally
from grmkit.scoring.tally import Rule, abstain
from grmkit.templates import load_template
from grmkit.types import Abstention, Judgment, Verdict, content_key


@dataclass(frozen=True, slots=True)
class MetaVote:
    """Whose meta scores decide, by its number in the ledger, and how many judgments it keeps."""

    number: int
    meta_samples: MetaSamples


@dataclass(frozen=True, slots=True)
class How:
    """How judgments are voted on: what soft scores are for, the rule, and whose meta scores choose."""

    soft: Soft | None
    rule: Rule
    guide: MetaVote | None


def replay(
    ledger: Ledger,
    *,
    samples: int | None = None,
    rule: Rule = "sum",
    model: str | None = None,
    meta_samples: MetaSamples | None = None,
    meta_rm: str | None = None,
    soft: Soft | None = None,
) -> Iterator[tuple[Mapping[str, Any], Verdict]]:
    """The verdict of every example that each judge in the ledger has judged.

    Args:
        ledger: Where the judgments are.
        samples: Vote with the first so many of the schedule; an example that lacks one of them abstains. None votes
            with as many as there are without a gap, which is before the first that a meta RM has not scored.
        rule: What decides the best response.
        model: Only this model's judgments.
        meta_samples: Vote with those that a meta RM trusts most, as its meta scores in the ledger say; an example that
            lacks one of them abstains. None lets all vote, unless `meta_rm` is given: then half do.
        meta_rm: The start of the meta RM's name as `grm ledger stats` shows it; not needed if there is only one.
        soft: What the expected values of the scores are for: to break `ties`, or to be the `scores` that are voted on;
            judgments that were drawn without have none.

    Yields:
        The judge's identity and the verdict; `samples` in it says how many judgments there were.

    Raises:
        ValueError: If samples is not positive, there is no such rule, `meta_samples` or `soft` is none of what it
            may be or there is not one meta RM of this name.
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples is {samples}; expected at least 1")
    how = How(check_soft(soft), rule, find_meta_vote(ledger, meta_samples, meta_rm))
    for _, group in groupby(entries(ledger), key=lambda entry: (entry.judge.hash, content_key(entry.content))):
        found = list(group)
        if model is None or found[0].judge.model_name == model:
            scored = {} if how.guide is None else _meta_scores(ledger, how.guide, found)
            yield found[0].judge.model, _verdict(found, samples, how, scored)


def find_meta_vote(ledger: Ledger, meta_samples: MetaSamples | None, name: str | None) -> MetaVote | None:
    """The one meta RM in the ledger whose name starts so; None if no meta RM is to decide.

    Raises:
        ValueError: If `meta_samples` is none of what it may be, or there is not one such meta RM.
    """
    if meta_samples is None and name is None:
        return None
    share = check_meta_samples(DEFAULT_META_SAMPLES if meta_samples is None else meta_samples)
    known = {found.key.hash: found.number for found in meta_scores.stats(ledger)}
    fitting = [number for key, number in known.items() if key.startswith(name or "")]
    if len(fitting) != 1:
        listed = ", ".join(key[:12] for key in known) or "none: score with a meta RM first"
        raise ValueError(f"meta_rm is {name!r}; expected the start of one of those in the ledger ({listed})")
    return MetaVote(fitting[0], share)


def _meta_scores(ledger: Ledger, guide: MetaVote, found: list[Entry]) -> dict[tuple[Order, bytes], float]:
    """What the meta RM made of this example's texts, by the order shown and the text's name."""
    number = ledger.find_example(found[0].content)
    orders = {entry.order for entry in found}
    if number is None:  # pruned meanwhile
        return {}
    return {
        (order, text): score
        for order in orders
        for text, score in meta_scores.find(ledger, guide.number, number, order).items()
    }


def _verdict(
    found: list[Entry],
    samples: int | None,
    how: How,
    scored: Mapping[tuple[Order, bytes], float],
) -> Verdict:
    judge, name = found[0].judge, found[0].example_name
    template = load_template(judge.template)
    by_place = {(entry.order, entry.stream): entry for entry in found}
    schedule = _schedule(found[0], samples or len(found) + 1)
    kept = [by_place[place] for place in takewhile(by_place.__contains__, schedule)]
    is_soft, guide = how.soft is not None, how.guide
    read = [read_judgment(template, one.order, one.stream, one.stored, is_soft=is_soft) for one in kept]
    judgments = [_trusted(judgment, scored) for judgment in read]
    num_scored = len(kept) if guide is None else sum(1 for _ in takewhile(_may_vote, judgments))
    if samples is None:
        kept, judgments = kept[:num_scored], judgments[:num_scored]
    tokens = tokens_of(entry.stored for entry in kept)
    num_wanted = 1 if samples is None else len(schedule)
    if num_scored < num_wanted:
        scores = " and their meta scores" if guide is not None else ""
        detail = f"the ledger holds {num_scored} of the first {num_wanted} judgments{scores} without a gap"
        return abstain(name, Abstention("not_recorded", detail), judgments, tokens=tokens)
    return soft_tally(
        name,
        judgments,
        soft=how.soft,
        score_range=template.score_range,
        rule=how.rule,
        tokens=tokens,
        meta_samples=None if guide is None else guide.meta_samples,
    )


def _may_vote(judgment: Judgment) -> bool:
    """Whether all is known of it that a guided vote needs: what cannot be read needs no meta score."""
    return not judgment.is_parsed or judgment.meta_score is not None


def _trusted(judgment: Judgment, scored: Mapping[tuple[Order, bytes], float]) -> Judgment:
    """The judgment with its meta score, if there is one and it can be read."""
    if judgment.text is None or not judgment.is_parsed:
        return judgment
    score = scored.get((judgment.order, digest(judgment.text)))
    return judgment if score is None else replace(judgment, meta_score=score)


def _schedule(entry: Entry, samples: int) -> list[tuple[Order, int]]:
    """The places of the schedule this judge was asked by; at temperature 0 each order was asked once."""
    sampling = entry.judge.sampling
    key = content_key(entry.content)
    schedule = order_schedule(len(entry.content["responses"]), samples, seed=sampling["seed"], key=key)
    return [place for place in schedule if sampling["temperature"] > 0 or place[1] == 0]
