"""The log-probabilities of an answer as the ledger keeps them: JSON, and the tokens that come out of it again.

A row is `[token, logprob]`; `[token, logprob, [[alternative, logprob], ...]]` where alternatives were kept. Rows of
ledgers that know no alternatives are of the first form.
"""

import json
from typing import NamedTuple

from grmkit.backends import Generation
from grmkit.backends.alternatives import DECIMALS


class Told(NamedTuple):
    """A token that was written, its log-probability in nats, and what else was likely there, or None."""

    text: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] | None = None


def logprobs_text(generation: Generation, *, with_alternatives: bool) -> str | None:
    """What the ledger keeps; None if the judge told nothing."""
    pairs, others = generation.logprobs, generation.alternatives
    if pairs is None:
        return None
    if others is None or not with_alternatives:
        return json.dumps(pairs, ensure_ascii=False)
    rounded = [(token, round(logprob, DECIMALS)) for token, logprob in pairs]
    rows = [pair if other is None else (*pair, other) for pair, other in zip(rounded, others, strict=True)]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read_logprobs(text: str | None) -> tuple[Told, ...] | None:
    """The tokens that were kept; None if there are none, or it is something else."""
    if text is None:
        return None
    try:
        return tuple(_told(*row) for row in json.loads(text))
    except (ValueError, TypeError):
        return None


def _told(token: str, logprob: float, alternatives: list[tuple[str, float]] | None = None) -> Told:
    others = None if alternatives is None else tuple((str(other), float(value)) for other, value in alternatives)
    return Told(str(token), float(logprob), others)
