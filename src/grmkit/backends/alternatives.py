"""What is kept of the tokens that a model might have written instead: those that may tell a number apart.

A score is read from numbers. So at a token with a digit those with a digit are kept; and after such a token all, for
they tell whether the number might have gone on. Those below a millionth are left out, to keep ledgers small.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

Pairs = tuple[tuple[str, float], ...]
"""Tokens and their log-probabilities in nats."""

Kept = Literal["all", "numbers"] | None
"""Which alternatives are kept at a token; None: nothing is."""

FLOOR = math.log(1e-6)
DECIMALS = 6  # of a log-probability
MISREAD = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)  # JSON of another shape


def are_kept(tokens: Sequence[str]) -> list[Kept]:
    """Which alternatives are kept at each of these tokens.

    Example:
        >>> are_kept(["Scores:", " 1", "0", "}"])
        [None, 'numbers', 'all', 'all']
    """
    numbers = [_has_digit(token) for token in tokens]
    before = [False, *numbers]
    return ["all" if after else "numbers" if here else None for here, after in zip(numbers, before, strict=False)]


def thin(likeliest: Sequence[tuple[str, float]], kept: Literal["all", "numbers"]) -> Pairs:
    """Those that are worth keeping, in their order."""
    return tuple(
        (token, round(logprob, DECIMALS))
        for token, logprob in likeliest
        if logprob >= FLOOR and (kept == "all" or _has_digit(token))
    )


def _has_digit(token: str) -> bool:
    return any(char in "0123456789" for char in token)


def read_logprobs(found: Any, redact: Callable[[str], str]) -> tuple[Pairs, tuple[Pairs | None, ...]] | None:
    """The tokens of a chat completion's choice, and per token its alternatives where they are kept and told.

    Args:
        found: The choice's `logprobs`.
        redact: Cuts the server's key out of a text.

    Returns:
        None if there are none, or if they cannot be read, or if their tokens spell the key.
    """
    content = found.get("content") if isinstance(found, dict) else None
    if not isinstance(content, list):
        return None
    try:
        pairs = tuple((item["token"], float(item["logprob"])) for item in content)
        written = "".join(token for token, _ in pairs)
    except MISREAD:
        return None
    if not all(math.isfinite(logprob) for _, logprob in pairs) or redact(written) != written:
        return None
    places = zip(are_kept([token for token, _ in pairs]), content, strict=True)
    return pairs, tuple(None if kept is None else _alternatives(item, kept, redact) for kept, item in places)


def _alternatives(item: Any, kept: Literal["all", "numbers"], redact: Callable[[str], str]) -> Pairs | None:
    """What else was likely, without the token that was written; None if the server does not tell."""
    try:
        likeliest = [(other["token"], float(other["logprob"])) for other in item["top_logprobs"]]
        spelled = [token + "" for token, _ in likeliest]
    except MISREAD:
        return None
    if not likeliest or any(math.isnan(logprob) for _, logprob in likeliest):
        return None
    if any(redact(token) != token for token in spelled):
        return None
    return thin([(token, min(logprob, 0.0)) for token, logprob in likeliest if token != item["token"]], kept)
