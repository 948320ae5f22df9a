"""Vote again over what a ledger holds: nothing is sampled, answers are read anew by today's parser."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from grmkit.ledger import Ledger
from grmkit.ledger.maintain import Entry, entries
from grmkit.ledger.store import content_hash
from grmkit.scoring.orders import order_schedule
from grmkit.scoring.sampling import read_judgment, tokens_of
from grmkit.scoring.tally import Rule, tally
from grmkit.templates import load_template
from grmkit.types import Verdict


def replay(
    ledger: Ledger, *, samples: int | None = None, rule: Rule = "sum", model: str | None = None
) -> Iterator[tuple[Mapping[str, Any], Verdict]]:
    """The verdict of every example that each judge in the ledger has judged.

    Args:
        ledger: Where the judgments are.
        samples: Vote with the first so many of the schedule; None for all that are there.
        rule: What decides the best response.
        model: Only this model's judgments.

    Yields:
        The judge's identity and the verdict; `samples` in it says how many judgments there were.
    """
    for _, group in groupby(entries(ledger), key=lambda entry: (entry.judge.hash, content_hash(entry.content))):
        found = list(group)
        if model is None or found[0].judge.model_name == model:
            yield found[0].judge.model, _verdict(found, samples, rule)


def _verdict(found: list[Entry], samples: int | None, rule: Rule) -> Verdict:
    judge, content = found[0].judge, found[0].content
    template = load_template(judge.template)
    by_place = {(entry.order, entry.stream): entry for entry in found}
    num_places = samples or (max(entry.stream for entry in found) + 1) * 2 * len(content["responses"])
    schedule = order_schedule(
        len(content["responses"]), num_places, seed=judge.sampling["seed"], key=content_hash(content)
    )
    kept = [by_place[place] for place in schedule if place in by_place]
    return tally(
        found[0].example_name,
        [read_judgment(template, entry.order, entry.stream, entry.stored) for entry in kept],
        score_range=template.score_range,
        rule=rule,
        tokens=tokens_of(entry.stored for entry in kept),
    )
