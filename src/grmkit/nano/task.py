"""What a domain brings to an item: a request, what to look for, and contents of every quality."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["good", "middling", "bad"]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader found about one response by one criterion, and the score from 1 to 10 it deserves."""

    text: str
    score: int


@dataclass(frozen=True, slots=True)
class Belief:
    """What a reader takes for right: how the criterion is put, and how a content is read by it.

    The true belief gives the gold scores; a mistaken one is how a teacher errs.
    """

    text: str
    read: Callable[[Any], Remark]


@dataclass(frozen=True, slots=True)
class Content:
    """The sentence that answers the request, and what a belief reads of it."""

    text: str
    key: Any


@dataclass(frozen=True, slots=True)
class Task:
    """One request of one domain.

    Attributes:
        request: What the user wants, without manner.
        criterion: The name of the domain's own criterion.
        truth: The right belief.
        slip: A mistaken one.
        content: Draws a content of this level.
        steps: Sentences that explain, for responses that go into detail.
    """

    request: str
    criterion: str
    truth: Belief
    slip: Belief
    content: Callable[[Level], Content]
    steps: tuple[str, ...]
