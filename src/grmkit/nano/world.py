"""Items of the small world, drawn from a seed: what is asked, what is answered, and what each answer is worth.

A query's wording decides, mostly between the lines, which principles apply and with what weight: the domain's own
criterion, and up to two wishes about the manner. Each response is drawn at its own level on each of them; the gold
score is the weighted mean of its scores by principle.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from grmkit.nano import arithmetic, grounding, instructions, notes, safety
from grmkit.nano.manner import AXES, Axis, Manner, draw_manner, say
from grmkit.nano.task import Belief, Content, Level, Remark, Task
from grmkit.nano.voice import SHIFTS, Shift, Voice, held_out_words, words_of
from grmkit.types import Example

Split = Literal["train", "validation", "test", "generalisation"]

DOMAINS = {
    "arithmetic": arithmetic.draw,
    "instructions": instructions.draw,
    "safety": safety.draw,
    "grounding": grounding.draw,
    "notes": notes.draw,
}
SHARES: dict[Split, range] = {
    "train": range(75),
    "validation": range(75, 80),
    "test": range(80, 90),
    "generalisation": range(90, 100),
}
"""Which queries belong to which split, by their hash modulo 100: no query is in two splits."""

SHIFTED_DOMAINS: dict[Shift, tuple[str, ...]] = {
    "words": tuple(DOMAINS),
    "paraphrases": tuple(DOMAINS),
    "numbers": ("arithmetic", "grounding"),
    "combinations": ("instructions",),
}
TEST_SIZE = 6000
MIN_GAP = 0.4  # between the gold scores of the best response and the next
WEIGHTS: dict[
    tuple[str, int], tuple[int, ...]
] = {  # by stakes and number of wishes: the domain's criterion first, then the wishes as they are said
    ("none", 0): (100,),
    ("none", 1): (60, 40),
    ("high", 1): (80, 20),
    ("low", 1): (40, 60),
    ("none", 2): (50, 30, 20),
    ("high", 2): (70, 20, 10),
    ("low", 2): (30, 40, 30),
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One principle of an item: its name, its weight in percent, and the wish if it is one about the manner."""

    name: str
    weight: int
    axis: Axis | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An Example and what an attentive reader knows about it.

    Attributes:
        example: Query, responses, reference, and one gold score per response as label.
        domain: Its domain.
        criteria: Its principles, the domain's own first.
        truth, slip: The right and a mistaken belief about the domain's own criterion.
        contents, manners: What each response says, and how.
    """

    example: Example
    domain: str
    criteria: tuple[Criterion, ...]
    truth: Belief
    slip: Belief
    contents: tuple[Content, ...]
    manners: tuple[Manner, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query before it has responses."""

    query: str
    domain: str
    task: Task
    criteria: tuple[Criterion, ...]


def items(split: Split, num: int, *, seed: int = 0) -> Iterator[Item]:
    """The first `num` items of a split; outside of training, no query comes twice.

    Raises:
        ValueError: If there is no such split.
    """
    if split not in SHARES:
        raise ValueError(f"split is {split!r}; expected one of {', '.join(SHARES)}")
    seen: set[str] = set()
    index = 0
    while num > 0:
        item = item_at(split, index, seed=seed)
        index += 1
        if item.example.query in seen:
            continue
        if split != "train":
            seen.add(str(item.example.query))
        num -= 1
        yield item


def item_at(split: Split, index: int, *, seed: int = 0) -> Item:
    """The item of this index, which depends on nothing but split, index and seed."""
    rng = random.Random(f"{seed}:{split}:{index}")
    shift = rng.choice(SHIFTS) if split == "generalisation" else None
    voice = Voice(rng, shift)
    while True:
        asked = _ask(voice)
        if _share(asked.query) not in SHARES[split] or not _is_shifted(asked.query, shift):
            continue
        item = _respond(voice, asked, f"{split}-{seed}-{index}")
        if item is not None:
            return item


def _share(query: str) -> int:
    return int.from_bytes(hashlib.sha256(query.encode()).digest()[:4]) % 100


def _is_shifted(query: str, shift: Shift | None) -> bool:
    """Whether a query that is to have held-out words has one; the other shifts are so by construction."""
    return shift != "words" or not held_out_words().isdisjoint(words_of(query))


def _ask(voice: Voice) -> _Asked:
    rng = voice.rng
    domain = rng.choice(tuple(DOMAINS) if voice.shift is None else SHIFTED_DOMAINS[voice.shift])
    task = DOMAINS[domain](voice)
    wishes = _wishes(voice, rng.choices((0, 1, 2), (0.0 if domain == "notes" else 0.15, 0.6, 0.25))[0])
    stakes = rng.choice(("none", "high", "low")) if wishes else "none"
    weights = WEIGHTS[stakes, len(wishes)]
    said = [voice.phrase(wish.cue) for wish in wishes]
    if stakes != "none":
        said.insert(rng.randint(0, len(said)), voice.phrase(f"stakes-{stakes}"))
    query = " ".join([*said, task.request] if rng.random() < 0.5 else [task.request, *said])
    names = [task.criterion, *(wish.name for wish in wishes)]
    axes = [None, *wishes]
    return _Asked(query, domain, task, tuple(map(Criterion, names, weights, axes)))


def _wishes(voice: Voice, num: int) -> list[Axis]:
    """Wishes that do not exclude one another."""
    while True:
        wishes = voice.rng.sample(list(AXES.values()), num)
        if not any(one.excludes == other.name for one in wishes for other in wishes):
            return wishes


def _respond(voice: Voice, asked: _Asked, name: str) -> Item | None:
    """Responses with one best among them; None if it cannot be had."""
    num = voice.rng.choices(range(1, 9), (10, 55, 12, 12, 4, 3, 2, 2))[0]
    drawn = [_draw_response(voice, asked, _levels(voice, len(asked.criteria))) for _ in range(num)]
    texts = [text for _, _, text in drawn]
    scores = [gold(asked.criteria, asked.task.truth, content, manner) for content, manner, _ in drawn]
    best = sorted((total for total, _ in scores), reverse=True)
    if len(set(texts)) < num or (num > 1 and best[0] - best[1] < MIN_GAP):
        return None
    *_, reference = _draw_response(voice, asked, ["good"] * len(asked.criteria))
    example = Example(
        query=asked.query,
        responses=tuple(texts),
        reference=reference,
        label=tuple(total for total, _ in scores),
        id=name,
        meta={
            "domain": asked.domain,
            "shift": voice.shift,
            "principles": [{"name": entry.name, "weight": entry.weight} for entry in asked.criteria],
            "scores": [list(by_principle) for _, by_principle in scores],
        },
    )
    contents, manners, _ = zip(*drawn, strict=True)
    return Item(example, asked.domain, asked.criteria, asked.task.truth, asked.task.slip, contents, manners)


def _levels(voice: Voice, num: int) -> list[Level]:
    levels: tuple[Level, ...] = ("good", "middling", "bad")
    return voice.rng.choices(levels, (0.45, 0.2, 0.35), k=num)


def _draw_response(voice: Voice, asked: _Asked, levels: list[Level]) -> tuple[Content, Manner, str]:
    content = asked.task.content(levels[0])
    pairs = zip(asked.criteria, levels, strict=True)
    wishes: list[tuple[Axis, Level]] = [(entry.axis, level) for entry, level in pairs if entry.axis]
    manner = draw_manner(voice, wishes)
    return content, manner, say(voice, content.text, manner, asked.task.steps)


def read(criterion: Criterion, belief: Belief, content: Content, manner: Manner) -> Remark:
    """What a reader with this belief finds about one response by one criterion."""
    return belief.read(content.key) if criterion.axis is None else criterion.axis.read(manner)


def gold(
    criteria: tuple[Criterion, ...], truth: Belief, content: Content, manner: Manner
) -> tuple[float, tuple[int, ...]]:
    """The gold score from 1 to 10, with one decimal, and the score by each principle."""
    scores = tuple(read(criterion, truth, content, manner).score for criterion in criteria)
    total = sum(criterion.weight * score for criterion, score in zip(criteria, scores, strict=True))
    return round(total / 100, 1), scores
