"""How an item is shown to a judge: as it is, with a reference, with principles, as a pair of a list."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from grmkit.nano.lessons import gold_principles
from grmkit.nano.world import Item
from grmkit.types import Example, Principle

View = Literal["plain", "reference", "gold", "given", "filtered", "cached", "pair", "shuffled"]
"""`plain`: query and responses. `reference`: with it. `gold`: with the item's own principles. `given`: with those of
the shipped judge's first judgment. `filtered`: with those of its first right judgment among eight. `cached`: with those
it wrote from the query alone. `pair`: of a list, the best and one other. `shuffled`: lists of four or more, in an order
that is drawn anew for every sample."""

BORROWED = ("given", "filtered", "cached")
"""Views whose principles are written by the shipped judge first."""

LONG = 4  # two or three responses have all their orders in a balanced schedule, so shuffles of those are replayed


def num_shown(example: Example, view: View) -> int:
    """How many responses of an item are shown; 0 if it is left out."""
    num = len(example.responses)
    if view == "pair":
        return 2 if num > 2 else 0
    return num if view != "shuffled" or num >= LONG else 0


def show(item: Item, view: View, principles: Sequence[Principle] = ()) -> Example | None:
    """The example as the judge gets it; None if the item is left out."""
    example = item.example
    if num_shown(example, view) == 0:
        return None
    if view != "reference":
        example = replace(example, reference=None)
    if view == "gold":
        return replace(example, principles=gold_principles(item))
    if view in BORROWED:
        return replace(example, principles=tuple(principles))
    return as_pair(example) if view == "pair" else example


def as_pair(example: Example) -> Example:
    """The best of a list and one other of it, in the order of the list."""
    kept = pair_of(example)
    assert isinstance(example.label, tuple)
    return replace(
        example,
        responses=tuple(example.responses[index] for index in kept),
        label=tuple(example.label[index] for index in kept),
    )


def pair_of(example: Example) -> tuple[int, int]:
    """The places of the best and of one other, drawn by the item's name."""
    best = example.best
    assert best is not None, "lists of the small world have one best response"
    others = [index for index in range(len(example.responses)) if index != best]
    other = random.Random(f"pair:{example.id}").choice(others)
    return (best, other) if best < other else (other, best)
