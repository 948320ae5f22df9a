"""Vote again over what a ledger holds: nothing is sampled, answers are read anew by today's parser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import Any, TypedDict, Unpack

from grmkit.ledger import Ledger, meta_scores
from grmkit.ledger.keys import digest
from grmkit.ledger.maintain import Entry, entries
from grmkit.scoring.guided import DEFAULT_META_SAMPLES, MetaSamples, check_meta_samples
from grmkit.scoring.list_tally import tally_lists
from grmkit.scoring.lists import check_combination, check_list_size, schedule_of
from grmkit.scoring.orders import Order
from grmkit.scoring.principles import query_of
from grmkit.scoring.sampling import read_judgment, tokens_of
from grmkit.scoring.soft_vote import Soft, check_soft, soft_tally
from grmkit.scoring.tally import Rule, abstain
from grmkit.templates import load_template
from grmkit.templates.principles import NAMES
from grmkit.types import Abstention, Example, Judgment, Principle, Verdict, content_key


@dataclass(frozen=True, slots=True)
class MetaVote:
    """Whose meta scores decide, by its number in the ledger, and how many judgments it keeps."""

    number: int
    meta_samples: MetaSamples


@dataclass(frozen=True, slots=True)
class How:
    """How judgments are voted on: what soft scores are for, the rule, whose meta scores choose; how they were shown."""

    soft: Soft | None
    rule: Rule
    guide: MetaVote | None
    list_size: int | None
    num_orders: int | None


class Recount(TypedDict, total=False):
    """How judgments are voted on again; all of it is optional.

    `meta_samples`: vote with those that a meta RM trusts most, as its meta scores in the ledger say; an example that
    lacks one of them abstains. Left out, all vote, unless `meta_rm` is given: then half do. `meta_rm` is the start of
    the meta RM's name as `grm ledger stats` shows it; not needed if there is only one. `list_size` is what examples
    with more responses were judged with. `soft` is what the expected values of the scores are for: to break `ties`, or
    to be the `scores` that are voted on; judgments that were drawn without have none. `num_orders` is what the judge
    had that drew them: without it, judgments in fewer orders than balance asks for have gaps.
    """

    meta_samples: MetaSamples | None
    meta_rm: str | None
    list_size: int | None
    soft: Soft | None
    num_orders: int | None


def replay(
    ledger: Ledger,
    *,
    samples: int | None = None,
    rule: Rule = "sum",
    model: str | None = None,
    **recount: Unpack[Recount],
) -> Iterator[tuple[Mapping[str, Any], Verdict]]:
    """The verdict of every example that each judge in the ledger has judged.

    Args:
        ledger: Where the judgments are.
        samples: Vote with the first so many of the schedule; an example that lacks one of them abstains. None votes
            with as many as there are without a gap, which is before the first that a meta RM has not scored.
        rule: What decides the best response.
        model: Only this model's judgments.
        recount: Which of them vote, and with what: see `Recount`.

    Yields:
        The judge's identity and the verdict; `samples` in it says how many judgments there were.

    Raises:
        ValueError: If samples is not positive, there is no such rule, `meta_samples` or `soft` is none of what it
            may be or there is not one meta RM of this name; if `list_size` is below 2, or given with what lists do not
            know.
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples is {samples}; expected at least 1")
    how = _how(ledger, rule, **recount)
    writers = _writers(ledger)
    for _, group in groupby(entries(ledger), key=lambda entry: (entry.judge.hash, content_key(entry.content))):
        found = list(group)
        is_judge = found[0].judge.template not in NAMES.values()  # who writes principles judges nothing
        if is_judge and model in (None, found[0].judge.model_name):
            scored = {} if how.guide is None else _meta_scores(ledger, how.guide, found)
            verdict = _verdict(found, samples, how, scored)
            yield found[0].judge.model, replace(verdict, given=_given(ledger, writers, found[0].content))


def _how(
    ledger: Ledger,
    rule: Rule,
    *,
    meta_samples: MetaSamples | None = None,
    meta_rm: str | None = None,
    list_size: int | None = None,
    soft: Soft | None = None,
    num_orders: int | None = None,
) -> How:
    check_combination(check_list_size(list_size), rule=rule, meta_samples=meta_samples, meta_rm=meta_rm, soft=soft)
    return How(check_soft(soft), rule, find_meta_vote(ledger, meta_samples, meta_rm), list_size, num_orders)


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


def _writers(ledger: Ledger) -> dict[int, str]:
    """The template of everyone in the ledger who wrote principles from queries alone, by number."""
    places = ", ".join("?" * len(NAMES))
    rows = ledger.select(f"SELECT id, template FROM judges WHERE template IN ({places})", *NAMES.values())
    return dict(rows)


def _given(ledger: Ledger, writers: Mapping[int, str], content: Mapping[str, Any]) -> tuple[Principle, ...] | None:
    """The principles an example was given, if they are what somebody in the ledger wrote from its query alone."""
    given = tuple(Principle.from_json(item) for item in content["principles"])
    if not given or not writers:
        return None
    number = ledger.find_example(query_of(Example.from_json(content)).content())
    if number is None:
        return None
    for writer, template in writers.items():
        for stream, stored in ledger.find(writer, number, (0,)).items():
            if read_judgment(load_template(template), (0,), stream, stored).principles == given:
                return given
    return None


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
    schedule = _schedule(found[0], samples or len(found) + 1, how)
    kept = [by_place[place] for place in takewhile(by_place.__contains__, schedule)]
    is_soft, guide = how.soft is not None, how.guide
    read = [read_judgment(template, one.order, one.stream, one.stored, is_soft=is_soft) for one in kept]
    judgments = [_trusted(judgment, scored) for judgment in read]
    num_scored = len(kept) if guide is None else sum(1 for _ in takewhile(_may_vote, judgments))
    if samples is None:
        kept, judgments = kept[:num_scored], judgments[:num_scored]
    tokens = tokens_of(entry.stored for entry in kept)
    num_wanted = len(_schedule(found[0], 1, how)) if samples is None else len(schedule)
    if num_scored < num_wanted:
        scores = " and their meta scores" if guide is not None else ""
        detail = (
            f"the ledger holds {num_scored} of the first {num_wanted} judgments{scores} without a gap{_hint(found)}"
        )
        return abstain(name, Abstention("not_recorded", detail), judgments, tokens=tokens)
    num = len(found[0].content["responses"])
    if how.list_size is not None and num > how.list_size:
        return tally_lists(name, judgments, num_responses=num, list_size=how.list_size, tokens=tokens)
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


def _hint(found: list[Entry]) -> str:
    is_listed = any(len(entry.order) < len(entry.content["responses"]) for entry in found)
    return "; some are of lists: replay with the list size they were drawn with" if is_listed else ""


def _schedule(entry: Entry, samples: int, how: How) -> list[tuple[Order, int]]:
    """The places of the schedule this judge was asked by; at temperature 0 each order was asked once."""
    sampling = entry.judge.sampling
    key = content_key(entry.content)
    num = len(entry.content["responses"])
    given = {"list_size": how.list_size, "num_orders": how.num_orders}
    schedule = schedule_of(num, samples, seed=sampling["seed"], key=key, **given)
    return [place for place in schedule if sampling["temperature"] > 0 or place[1] == 0]
