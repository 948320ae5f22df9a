"""Where in an answer its final scores stand, as the parser itself tells.

A number is a score's place if a neighbouring number in its stead changes that score and nothing else that is read. So
nothing of what is read changes with it, it holds for every form of answer, and no number is taken for a score because
it equals one. Where two places say the same, another number in one of them makes the answer ambiguous: there is no
place then.
"""

import math
import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

Read = Callable[[str], tuple[float, ...] | None]
"""What a template reads in a text: a score per response in the order shown, or None."""

MAX_NUMBERS = 100
"""How many numbers are tried, the last ones first: scores stand at the end."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Place(NamedTuple):
    """A score's number in a text: `text[start:end]`."""

    start: int
    end: int


def find_places(text: str, read: Read, score_range: tuple[float, float]) -> tuple[Place, ...] | None:
    """Where each score stands, in the order shown; None if there are none, or one has no place of its own.

    Args:
        text: The answer, as the judge wrote it.
        read: How it is read.
        score_range: Lowest and highest score a reading can hold.

    Example:
        >>> find_places("Of 2: 8 and 2", lambda text: (float(text[6]), float(text[12])), (1, 10))
        (Place(start=6, end=7), Place(start=12, end=13))
    """
    scores = read(text)
    if scores is None:
        return None
    found: dict[int, Place] = {}
    numbers = [match for match in _NUMBER.finditer(text) if float(match[0]) in scores]
    for match in islice(reversed(numbers), MAX_NUMBERS):
        place = Place(*match.span())
        position = _decided_by(text, place, read, scores, score_range)
        if position is not None:
            found[position] = place
        if len(found) == len(scores):
            return tuple(found[position] for position in range(len(scores)))
    return None


def find_scale(text: str, place: Place, read: Read, score_range: tuple[float, float]) -> tuple[int, ...]:
    """The whole numbers that would be read as a score in this place, ascending."""
    low, high = score_range
    return tuple(
        score
        for score in range(math.ceil(low), math.floor(high) + 1)
        if read(_with(text, place, str(score))) is not None
    )


def _decided_by(
    text: str, place: Place, read: Read, scores: tuple[float, ...], score_range: tuple[float, float]
) -> int | None:
    """The position of the score that changes with this number, if it is the only one."""
    score = float(text[place.start : place.end])
    for other in (score + 1, score - 1):
        number = f"{other:.9g}"
        if score_range[0] <= other <= score_range[1]:
            changed = read(_with(text, place, number))
            for position, before in enumerate(scores):
                expected = (*scores[:position], float(number), *scores[position + 1 :])
                if before == score and changed == expected:
                    return position
    return None


def _with(text: str, place: Place, number: str) -> str:
    return text[: place.start] + number + text[place.end :]
