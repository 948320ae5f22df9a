"""Soft scores: what a judge would have given on average, had it chosen each number of its verdict again.

For each score, the probabilities of what could have been written in its place, after all that was written before it,
are added up over the whole numbers of the scale, and the expected value is taken over what they cover together
(arXiv 2503.03064 compares such means with the number written). Nothing is assumed of what was not seen: the likeliest
alternatives are told, the rest is left out, and below 90 % there is no soft score, as what is left out could move an
expected value on a scale from 1 to 10 by 0.9 points.

- A number may be one token or several, and share a token with a blank, a bracket or a comma.
- An alternative that is no number of the scale, or goes on with decimals, is left out. A number that no number of the
  scale continues (2 to 9, 10) counts as it is; what would have followed is not looked at.
- A number that another one continues (1, by 10): where it was written, the token after it tells. As an alternative it
  is left out, unless the longer one is among the alternatives as one token, for then it would have been that token.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from grmkit.scoring.logprobs import Told
from grmkit.templates import Template
from grmkit.templates.places import Place, find_places, find_scale
from grmkit.types import SoftScores

MIN_COVERED = 0.9
"""The least probability that has to be seen of each score."""

DIGITS = 6
"""To how many decimals expected values are told."""

_NUMBER = re.compile(r"(?:[^0-9]*[^\w.+−–-])?(?P<digits>[0-9]+)(?P<rest>.*)", re.DOTALL)
_MORE = re.compile(r"(?P<digits>[0-9]*)(?P<rest>.*)", re.DOTALL)


class Written(NamedTuple):
    """A score in the tokens: the token it starts in and the character there, and the token it ends in."""

    number: str
    first: int
    char: int
    last: int


class Start(NamedTuple):
    """How a token goes on with a number: its digits so far, and what follows them within the token."""

    digits: str
    rest: str


def read_soft(
    template: Template, text: str, tokens: Sequence[Told] | None, *, order: Sequence[int], finish_reason: str | None
) -> SoftScores:
    """The soft scores of an answer that was read, in input order.

    Args:
        template: How it was read.
        text: The answer.
        tokens: What it was written in; None if the judge did not tell.
        order: How the responses were shown.
        finish_reason: Why the judge stopped.
    """

    def read(changed: str) -> tuple[float, ...] | None:
        return template.parse(changed, len(order), finish_reason=finish_reason).scores

    if not any(token.alternatives is not None for token in tokens or ()):
        return SoftScores(None, reason="no_alternatives")
    places = find_places(text, read, template.score_range)
    if places is None:
        return SoftScores(None, reason="no_place")
    scale = find_scale(text, places[0], read, template.score_range)
    shown = soft_scores(text, places, scale=scale, tokens=tokens or ())
    if shown.covered is None:
        return shown
    at = [order.index(index) for index in range(len(order))]
    scores = None if shown.scores is None else tuple(shown.scores[place] for place in at)
    return SoftScores(scores, tuple(shown.covered[place] for place in at), shown.reason)


def soft_scores(text: str, places: Sequence[Place], *, scale: Sequence[int], tokens: Sequence[Told]) -> SoftScores:
    """The expected value of each score, in the order shown; or why one of them has none.

    Args:
        text: The answer.
        places: Where its scores stand.
        scale: The scores there are.
        tokens: What the answer was written in; there may be more before it (thinking) and a token that ends it.

    Example:
        >>> eight = Told(" 8", math.log(0.75), ((" 9", math.log(0.25)),))
        >>> soft_scores("Scores: 8", [Place(8, 9)], scale=range(1, 11), tokens=[Told("Scores:", 0.0), eight]).scores
        (8.25,)
    """
    if any((number := text[place.start : place.end]) != str(scale_number(number, scale)) for place in places):
        return SoftScores(None, reason="not_whole")
    found = line_up(text, places, tokens)
    if found is None:
        return SoftScores(None, reason="not_aligned")
    if any(tokens[written.first].alternatives is None for written in found):
        return SoftScores(None, reason="no_alternatives")
    masses = [spread(written, tokens, scale) for written in found]
    covered = [math.fsum(mass.values()) for mass in masses]
    told = tuple(min(1.0, round(sum_, DIGITS)) for sum_ in covered)
    if min(covered) < MIN_COVERED:
        return SoftScores(None, told, "not_covered")
    means = (
        math.fsum(score * part for score, part in mass.items()) / whole
        for mass, whole in zip(masses, covered, strict=True)
    )
    return SoftScores(tuple(round(mean, DIGITS) for mean in means), told)


def scale_number(number: str, scale: Sequence[int]) -> int | None:
    """The number of the scale that is written so, without decimals or a zero before it."""
    return int(number) if number.isdecimal() and number == str(int(number)) and int(number) in scale else None


def line_up(text: str, places: Sequence[Place], tokens: Sequence[Told]) -> list[Written] | None:
    """The tokens each score was written in; None if the tokens do not spell the text from its first score on.

    Blanks do not count: some tokenizers keep them to themselves.
    """
    spots = [
        (index, at) for index, token in enumerate(tokens) for at, char in enumerate(token.text) if not char.isspace()
    ]
    spelled = "".join(tokens[index].text[at] for index, at in spots)
    start = text.rfind("\n", 0, min(places).start) + 1
    begin = spelled.rfind(_without_blanks(text[start:]))
    if begin < 0:
        return None
    found: list[Written] = []
    for place in places:
        number = text[place.start : place.end]
        offset = begin + len(_without_blanks(text[start : place.start]))
        first, char = spots[offset]
        found.append(Written(number, first, char, spots[offset + len(number) - 1][0]))
    return found


def spread(written: Written, tokens: Sequence[Told], scale: Sequence[int]) -> dict[int, float]:
    """How probable each score of the scale was in this place, as far as it was seen.

    Example:
        >>> one = Told("1", math.log(0.5), (("2", math.log(0.5)),))
        >>> zero = Told("0", math.log(0.8), ((",", math.log(0.2)),))
        >>> found = spread(Written("10", 0, 0, 1), [one, zero], range(1, 11))
        >>> {score: round(part, 3) for score, part in found.items() if part}
        {1: 0.1, 2: 0.5, 10: 0.4}
    """
    mass = dict.fromkeys(scale, 0.0)
    reached, before = 1.0, ""
    for index in range(written.first, min(written.last + 2, len(tokens))):
        token = tokens[index]
        char = written.char if index == written.first else 0
        own = _go_on(before, token.text[char:])
        others = [(_start(before, token.text[:char], text), logprob) for text, logprob in token.alternatives or ()]
        whole = {own.digits, *(other.digits for other, _ in others if other is not None)}
        for other, logprob in others:
            score = None if other is None else _settled(other, whole, scale)
            if score is not None:
                mass[score] += reached * math.exp(logprob)
        reached *= math.exp(token.logprob)
        if own.rest or _settled(own, whole, scale) is not None:
            break
        before = own.digits
    mass[int(written.number)] += reached
    return mass


def _start(before: str, lead: str, text: str) -> Start | None:
    """What an alternative makes of the number; `lead` is what stands before it in the token that was written."""
    if before:
        return _go_on(before, text)
    if any(char.isdigit() for char in lead) and not text.startswith(lead):
        return None
    found = _NUMBER.fullmatch(text.removeprefix(lead))
    return None if found is None else Start(found["digits"], found["rest"])


def _go_on(before: str, text: str) -> Start:
    found = _MORE.fullmatch(text)
    assert found is not None, "every text matches"
    return Start(before + found["digits"], found["rest"])


def _settled(start: Start, whole: set[str], scale: Sequence[int]) -> int | None:
    """The score of the scale that this is, whatever comes next; None if it is none, or may become another one.

    Args:
        start: The number so far.
        whole: All numbers that one token makes here.
        scale: The scores there are.
    """
    if start.rest and (start.rest[0] == "." or start.rest[0].isalnum()):
        return None
    longer = {str(score) for score in scale if str(score).startswith(start.digits) and str(score) != start.digits}
    if not start.rest and longer and not longer & whole:
        return None
    return scale_number(start.digits, scale)


def _without_blanks(text: str) -> str:
    return "".join(text.split())
