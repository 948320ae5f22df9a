"""Whether a text belongs to the small world, by the share of its words that the judge has never met."""

from functools import cache

from grmkit.nano.instructions import NAMES
from grmkit.nano.voice import phrases, plural, word_lists, words_of
from grmkit.types import Example

MAX_UNKNOWN = 0.2
"""The highest share of unknown words that is judged: what it costs inside and lets pass from outside is in
docs/results/nano-judge.md. It is a share of all words, so a foreign query may ride in on known responses."""


def why_out_of_domain(example: Example) -> str | None:
    """Why the judge of the small world should not judge this; None if it may.

    Example:
        >>> why_out_of_domain(Example("What is 2 plus 3?", ("It is 5.",))) is None
        True
    """
    query = example.query if isinstance(example.query, str) else " ".join(turn.content for turn in example.query)
    if not words_of(query):
        return "there is no word in the query, and the nano judge knows its own small world only"
    num_unknown, num_words = count_unknown(example)
    if num_unknown <= MAX_UNKNOWN * num_words:
        return None
    return (
        f"{num_unknown} of {num_words} words are unknown to the nano judge, which knows its own small world only "
        f"(at most {MAX_UNKNOWN:.0%} may be); judge with a larger model, or force this one"
    )


def count_unknown(example: Example) -> tuple[int, int]:
    """How many words of the query, the responses and the reference are unknown, and how many there are."""
    query = example.query
    texts = [query] if isinstance(query, str) else [message.content for message in query]
    texts += [*example.responses, *([] if example.reference is None else [example.reference])]
    words = words_of(*texts)
    return sum(word.lower() not in known_words() for word in words), len(words)


@cache
def known_words() -> frozenset[str]:
    """Every word of the training split, in lower case: the common lexicon with its plurals, and all common wordings."""
    lexicon = [word for (_, is_held_out), words in word_lists().items() if not is_held_out for word in words]
    wordings = [text for (_, is_held_out), texts in phrases().items() if not is_held_out for text in texts]
    kinds = [*(kind for kind, _ in word_lists()), *NAMES.values()]
    singles = [*lexicon, *kinds, "a", "an"]
    plurals = [plural(word) for word in singles]
    return frozenset(word.lower() for word in words_of(*singles, *plurals, *wordings))
