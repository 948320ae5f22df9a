"""Vote again over what a ledger holds: nothing is sampled, answers are read anew by today's parser."""

from collections.abc import Iterator, Mapping
from itertools import groupby, takewhile
from typing import Any

from grmkit.ledger import Ledger
from grmkit.ledger.maintain import Entry, entries
from grmkit.scoring.orders import Order, order_schedule
from grmkit.scoring.sampling import read_judgment, tokens_of
from grmkit.scoring.tally import Rule, abstain, tally
from grmkit.templates import load_template
from grmkit.types import Abstention, Verdict, content_key


def replay(
    ledger: Ledger, *, samples: int | None = None, rule: Rule = "sum", model: str | None = None
) -> Iterator[tuple[Mapping[str, Any], Verdict]]:
    """The verdict of every example that each judge in the ledger has judged.

    Args:
        ledger: Where the judgments are.
        samples: Vote with the first so many of the schedule; an example that lacks one of them abstains. None votes
            with as many as there are without a gap.
        rule: What decides the best response.
        model: Only this model's judgments.

    Yields:
        The judge's identity and the verdict; `samples` in it says how many judgments there were.

    Raises:
        ValueError: If samples is not positive or there is no such rule.
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples is {samples}; expected at least 1")
    for _, group in groupby(entries(ledger), key=lambda entry: (entry.judge.hash, content_key(entry.content))):
        found = list(group)
        if model is None or found[0].judge.model_name == model:
            yield found[0].judge.model, _verdict(found, samples, rule)


def _verdict(found: list[Entry], samples: int | None, rule: Rule) -> Verdict:
    judge, name = found[0].judge, found[0].example_name
    template = load_template(judge.template)
    by_place = {(entry.order, entry.stream): entry for entry in found}
    schedule = _schedule(found[0], samples or len(found) + 1)
    kept = [by_place[place] for place in takewhile(by_place.__contains__, schedule)]
    judgments = [read_judgment(template, entry.order, entry.stream, entry.stored) for entry in kept]
    tokens = tokens_of(entry.stored for entry in kept)
    num_wanted = 1 if samples is None else len(schedule)
    if len(kept) < num_wanted:
        detail = f"the ledger holds {len(kept)} of the first {num_wanted} judgments without a gap"
        return abstain(name, Abstention("not_recorded", detail), judgments, tokens=tokens)
    return tally(name, judgments, score_range=template.score_range, rule=rule, tokens=tokens)


def _schedule(entry: Entry, samples: int) -> list[tuple[Order, int]]:
    """The places of the schedule this judge was asked by; at temperature 0 each order was asked once."""
    sampling = entry.judge.sampling
    key = content_key(entry.content)
    schedule = order_schedule(len(entry.content["responses"]), samples, seed=sampling["seed"], key=key)
    return [place for place in schedule if sampling["temperature"] > 0 or place[1] == 0]
