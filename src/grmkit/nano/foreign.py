"""Text from outside of the world: made-up words, signs and numbers, for a judge that must not lose its form over it."""

import random

from grmkit.nano.voice import word_lists
from grmkit.types import Example

ONSETS = "b br c ch d f fl g gr h j k l m n p pr qu r s sh st t th tr v w y z".split()
VOWELS = "a e i o u ai ea ee io ou".split()
CODAS = ["", "", "", "n", "r", "s", "t", "l", "ck", "ng", "nd", "ct", "m", "ment", "tion", "ing", "ed", "ly"]
SIGNS = [
    ".",
    ".",
    ".",
    ",",
    ",",
    "?",
    "!",
    ":",
    ";",
    " -",
    '"',
    " (",
    ")",
    "\n",
    "\n\n",
    "\n- ",
    "\n1. ",
    " /",
    "é",
    "…",
]
MAX_WORDS = 240


def foreign_example(rng: random.Random) -> Example:
    """A query and one to four responses that make no sense, short or long."""
    num = rng.choice((1, 2, 2, 2, 2, 3, 4))
    longest = MAX_WORDS // num
    texts = [_text(rng, rng.randint(1, rng.choice((8, 20, longest)))) for _ in range(num)]
    return Example(_text(rng, rng.randint(2, rng.choice((12, 60, 100)))), tuple(texts))


def foreign_judgment(example: Example, rng: random.Random) -> str:
    """A judgment in form that knows that it knows nothing: middling scores."""
    scores = [rng.randint(3, 6) for _ in example.responses]
    lines = [f"- Response {place}: unknown words, {score}. Total {score}." for place, score in enumerate(scores, 1)]
    verdict = f"Scores: \\boxed{{{', '.join(map(str, scores))}}}"
    return "\n".join(["Specific Criteria:", "1. Clarity (100%): unknown words.", "Analysis:", *lines, verdict])


def _text(rng: random.Random, num_words: int) -> str:
    words: list[str] = []
    for _ in range(num_words):
        word = _word(rng)
        if rng.random() < 0.15:
            word += rng.choice(SIGNS)
        words.append(word)
    return " ".join(words).strip()


def _word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.1:
        return str(rng.randint(0, 10 ** rng.randint(1, 4)))
    if kind < 0.3:
        return rng.choice(rng.choice([words for (_, is_held_out), words in word_lists().items() if not is_held_out]))
    word = "".join(
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(rng.choice((1, 1, 2, 2, 3)))
    )
    return word.capitalize() if rng.random() < 0.15 else word
