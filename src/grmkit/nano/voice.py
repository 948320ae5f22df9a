"""Words and wordings of the small world, drawn with one item's own random generator."""

import random
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Shift = Literal["words", "paraphrases", "numbers", "combinations"]
"""What may be new in the generalisation split."""

SHIFTS: tuple[Shift, ...] = ("words", "paraphrases", "numbers", "combinations")
HELD_OUT_EVERY = 8  # one word in so many of each kind is kept for the generalisation split
FOLDER = Path(__file__).parent

_WORD = re.compile(r"[^\W\d_]+")
_SLOT = re.compile(r"\{[^{}]*\}")


class Voice:
    """Draws words and fills in wordings for one item.

    Args:
        rng: The item's own generator.
        shift: What is to be drawn from the held-out share; None draws from the common share.
    """

    def __init__(self, rng: random.Random, shift: Shift | None = None) -> None:
        self.rng = rng
        self.shift: Shift | None = shift

    def word(self, kind: str) -> str:
        return self.rng.choice(word_lists()[kind, self.shift == "words"])

    def words(self, kind: str, num: int) -> list[str]:
        """So many different words of one kind; under a shift of words the first is a held-out one."""
        common = self.rng.sample(word_lists()[kind, False], num)
        return [self.word(kind), *common[1:]] if self.shift == "words" else common

    def phrase(self, key: str, **slots: str | int) -> str:
        return self.rng.choice(phrases()[key, self.shift == "paraphrases"]).format(**slots)

    def phrases(self, key: str, num: int, **slots: str | int) -> list[str]:
        """So many different wordings, or all there are."""
        held_out = phrases()[key, True] if self.shift == "paraphrases" else ()
        pool = [*held_out, *phrases()[key, False]]
        return [text.format(**slots) for text in self.rng.sample(pool, min(num, len(pool)))]

    def is_shifted(self, shift: Shift) -> bool:
        return self.shift == shift


@cache
def word_lists() -> dict[tuple[str, bool], tuple[str, ...]]:
    """The words of each kind: the common ones under (kind, False), the held-out ones under (kind, True).

    A word that stands in a common wording is never held out.
    """
    wordings = {
        word.lower() for (_, is_held_out), texts in phrases().items() if not is_held_out for word in words_of(*texts)
    }
    lists: dict[tuple[str, bool], tuple[str, ...]] = {}
    for kind, text in _read("lexicon.toml").items():
        words = text.split()
        lists[kind, True] = tuple(word for word in words[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY] if word not in wordings)
        lists[kind, False] = tuple(word for word in words if word not in lists[kind, True])
    return lists


@cache
def held_out_words() -> frozenset[str]:
    """Every word that is kept for the generalisation split."""
    return frozenset(word for (_, is_held_out), words in word_lists().items() if is_held_out for word in words)


def words_of(*texts: str) -> list[str]:
    """The words in these texts, without the slots of a wording.

    Example:
        >>> words_of("{p} has 3 goats.")
        ['has', 'goats']
    """
    return [word for text in texts for word in _WORD.findall(_SLOT.sub(" ", text))]


@cache
def phrases() -> dict[tuple[str, bool], tuple[str, ...]]:
    """The wordings under each key, common (False) and held out (True)."""
    shares = (("train", False), ("held_out", True))
    return {
        (key, is_held_out): tuple(table[name])
        for key, table in _read("phrases.toml").items()
        for name, is_held_out in shares
    }


def with_article(word: str) -> str:
    """`an owl`, `a goat`.

    Example:
        >>> with_article("owl")
        'an owl'
    """
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def plural(word: str) -> str:
    """The regular plural.

    Example:
        >>> [plural(word) for word in ("goat", "cherry", "bus")]
        ['goats', 'cherries', 'buses']
    """
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
