"""Lists with rules that can be checked: how many, with or without a word, a first and a last one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grmkit.nano.task import Belief, Content, Level, Remark, Task
from grmkit.nano.voice import Voice, plural

KINDS = (
    *("animals", "fruits", "vegetables", "cities", "jobs", "colours", "instruments", "sports", "trees", "flowers"),
    *("tools", "toys", "clothes", "furniture", "vehicles", "buildings"),
)
PLACES = ("with", "without", "first", "last")
COMBINATIONS = ("count", "count with", "count without", "count first", "with", "first", "last", "first last")
HELD_OUT_COMBINATIONS = ("count last", "with last")
NAMES = {"vegetables": "vegetables", "cities": "cities", "clothes": "clothes", "furniture": "pieces of furniture"}

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: how it is put, how a list is checked, and how far off it is (0 kept, 1 nearly, 2 broken)."""

    text: str
    check: Callable[[Words], tuple[str, int]]


def draw(voice: Voice) -> Task:
    rng = voice.rng
    combinations = HELD_OUT_COMBINATIONS if voice.is_shifted("combinations") else COMBINATIONS
    names = rng.choice(combinations).split()
    kind = rng.choice(KINDS)
    pool = voice.words(kind, 12)
    count = rng.randint(2, 6) if "count" in names else None
    special = dict(zip((name for name in names if name in PLACES), pool, strict=False))
    rules = [_rule(name, special.get(name), count) for name in names]
    slipped = [_rule(name, special.get(name), None if count is None else count + 1) for name in names]
    asked = [
        _ask_for_list(voice, kind, count),
        *(voice.phrase(f"rule-{name}", x=word) for name, word in special.items()),
    ]

    def content(level: Level) -> Content:
        words = _list(voice, pool[len(special) :], special, count, _broken(voice, names, level))
        return Content(voice.phrase("list-says", w=_joined(words)), words)

    return Task(
        request=" ".join(asked),
        criterion="Rules",
        truth=_belief(rules),
        slip=_belief(slipped if count is not None else _turned(rules)),
        content=content,
        steps=tuple(voice.phrases("list-steps", 4)),
    )


def _ask_for_list(voice: Voice, kind: str, count: int | None) -> str:
    name = NAMES.get(kind, plural(kind.removesuffix("s")))
    return voice.phrase("list-any", k=name) if count is None else voice.phrase("list-count", n=count, k=name)


def _broken(voice: Voice, names: Sequence[str], level: Level) -> set[str]:
    """Which rules a list of this level breaks: none, one of two, or all."""
    if level == "good":
        return set()
    return {voice.rng.choice(names)} if level == "middling" and len(names) > 1 else set(names)


def _list(voice: Voice, others: Sequence[str], special: dict[str, str], count: int | None, broken: set[str]) -> Words:
    """A list that breaks these rules and keeps the others."""
    rng = voice.rng
    num = rng.randint(3, 5) if count is None else count
    if "count" in broken:
        num = rng.choice([other for other in range(1, 8) if other != num])
    words = rng.sample(others, min(num, len(others)))
    places = {"first": 0, "last": len(words) - 1}
    kept = {places[name] for name in special if name in places and name not in broken}
    free = [place for place in range(len(words)) if place not in kept]
    rng.shuffle(free)
    for name, word in special.items():
        if name in places and name not in broken:
            words[places[name]] = word
        elif name in places:  # left out, or there in another place
            spare = [place for place in free if place != places[name]]
            if spare and rng.random() < 0.5:
                words[spare[0]] = word
                free.remove(spare[0])
        elif (name == "without") == (name in broken) and free:
            words[free.pop()] = word
    return tuple(words)


def _joined(words: Words) -> str:
    return ", ".join(words)


def _rule(name: str, word: str | None, count: int | None) -> Rule:
    if name == "count":
        assert count is not None
        return Rule(f"{count} in all", lambda words: (f"{len(words)} of {count}", min(2, abs(len(words) - count))))
    assert word is not None
    if name == "with":
        return Rule(f"with {word}", lambda words: _found(word, word in words, is_wanted=True))
    if name == "without":
        return Rule(f"without {word}", lambda words: _found(word, word in words, is_wanted=False))
    index = 0 if name == "first" else -1
    return Rule(f"{word} {name}", lambda words: (f"{words[index]} {name}", 0 if words[index] == word else 2))


def _found(word: str, is_there: bool, *, is_wanted: bool) -> tuple[str, int]:
    return f"{'has' if is_there else 'lacks'} {word}", 0 if is_there == is_wanted else 2


def _turned(rules: Sequence[Rule]) -> list[Rule]:
    """The first rule misread for its opposite."""
    first = rules[0]

    def check(words: Words) -> tuple[str, int]:
        text, off = first.check(words)
        return text, 2 - off

    return [Rule(first.text, check), *rules[1:]]


def _belief(rules: Sequence[Rule]) -> Belief:
    def read(words: Words) -> Remark:
        checks = [rule.check(words) for rule in rules]
        text = " and ".join(f"{found} {('yes', 'nearly', 'no')[off]}" for found, off in checks)
        return Remark(text, _score([off for _, off in checks]))

    return Belief(", ".join(rule.text for rule in rules) + ".", read)


def _score(offs: Sequence[int]) -> int:
    """10 with all rules kept; 5 with one of two kept or the only one nearly; 7 and 3 in between; 1 with none."""
    worth = sum(2 - off for off in offs) / (2 * len(offs))
    return {1.0: 10, 0.75: 7, 0.5: 5, 0.25: 3}.get(worth, 1)
