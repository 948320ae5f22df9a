"""What the judge that ships learnt from: prompts of the nano template and noisy judgments, from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from grmkit.nano.foreign import foreign_example, foreign_judgment
from grmkit.nano.teacher import Noise, teach, teach_hinted
from grmkit.nano.world import Item, item_at
from grmkit.templates.nano import Nano
from grmkit.types import Message, Principle

KINDS = {"plain": 0.78, "reference": 0.08, "principles": 0.06, "hinted": 0.05, "foreign": 0.03}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt and the judgment that answers it."""

    messages: tuple[Message, ...]
    judgment: str


@dataclass(frozen=True, slots=True)
class Query:
    """A general instruction of the same world and a good answer to it."""

    query: str
    response: str


def lessons(start: int = 0, *, seed: int = 0, noise: Noise | None = None) -> Iterator[Lesson]:
    """Lessons on the training split without end, from number `start` on; each depends on its number and the seed."""
    index = start
    while True:
        yield lesson_at(index, seed=seed, noise=noise)
        index += 1


def lesson_at(index: int, *, seed: int = 0, noise: Noise | None = None) -> Lesson:
    """The lesson of this number: mostly a plain prompt; some show a reference, principles, a hint or foreign text."""
    rng = random.Random(f"lesson:{seed}:{index}")
    kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    noise = noise or Noise()
    if kind == "foreign":
        example = foreign_example(rng)
        return Lesson(Nano().render(example, range(len(example.responses))).messages, foreign_judgment(example, rng))
    item = item_at("train", index, seed=seed)
    order = list(range(len(item.example.responses)))
    rng.shuffle(order)
    shown = replace(item.example, reference=None)
    if kind == "hinted" and item.example.best is not None:
        return Lesson(
            Nano(is_hinted=True).render(shown, order).messages, teach_hinted(item, order, rng, noise=noise).text
        )
    if kind == "reference":
        shown = item.example
    elif kind == "principles":
        shown = replace(shown, principles=gold_principles(item))
    told = teach(item, order, rng, noise=noise, has_reference=kind == "reference", has_principles=kind == "principles")
    return Lesson(Nano().render(shown, order).messages, told.text)


def gold_principles(item: Item) -> tuple[Principle, ...]:
    """The item's own principles, as they would be given to a judge."""
    return tuple(
        Principle(entry.axis.text if entry.axis else item.truth.text, entry.name, entry.weight)
        for entry in item.criteria
    )


def general(num: int, *, seed: int = 0) -> Iterator[Query]:
    """Queries of the training split, with a good response each, for recipes that mix in general instructions."""
    for index in range(num):
        item = item_at("train", index, seed=seed)
        assert item.example.reference is not None
        yield Query(str(item.example.query), item.example.reference)
