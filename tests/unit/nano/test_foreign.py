import random
import re

from grmkit.nano.foreign import MAX_WORDS, foreign_example, foreign_judgment
from grmkit.nano.scope import why_out_of_domain
from grmkit.nano.voice import held_out_words, word_lists, words_of
from grmkit.templates.nano import Nano
from grmkit.types import Example

EXAMPLES = [foreign_example(random.Random(seed)) for seed in range(300)]


def texts_of(example: Example) -> list[str]:
    return [str(example.query), *example.responses]


def test_one_to_four_responses_short_or_long() -> None:
    assert {len(example.responses) for example in EXAMPLES} == {1, 2, 3, 4}
    lengths = [sum(len(text.split(" ")) for text in example.responses) for example in EXAMPLES]
    assert min(lengths) < 10
    assert 100 < max(lengths) < 2 * MAX_WORDS  # signs count here too


def test_every_text_says_something() -> None:
    assert all(text.strip() == text != "" for example in EXAMPLES for text in texts_of(example))


def test_made_up_words_known_words_signs_and_numbers() -> None:
    text = " ".join(text for example in EXAMPLES for text in texts_of(example))
    common = {word for (_, is_held_out), words in word_lists().items() if not is_held_out for word in words}
    words = words_of(text)
    assert 0.1 < sum(word in common for word in words) / len(words) < 0.4
    assert re.search(r"\d{3}", text)
    assert {".", "?", "\n", "é", "…"} <= set(text)


def test_held_out_words_are_not_shown() -> None:
    """A short one may be made up by chance (`lion`), a long one not."""
    shown = {word for example in EXAMPLES for text in texts_of(example) for word in words_of(text)}
    assert {word for word in held_out_words() & shown if len(word) > 5} == set()


def test_nearly_all_of_it_is_out_of_domain() -> None:
    assert sum(why_out_of_domain(example) is not None for example in EXAMPLES) >= 295


def test_a_judgment_is_in_form_and_middling() -> None:
    rng = random.Random(0)
    scores = set()
    for example in EXAMPLES:
        reading = Nano().parse(foreign_judgment(example, rng), len(example.responses))
        assert reading.scores is not None
        assert len(reading.critiques or ()) == len(example.responses)
        assert [principle.weight for principle in reading.principles] == [100]
        scores.update(reading.scores)
    assert scores == {3, 4, 5, 6}


def test_a_judgment_word_for_word() -> None:
    text = foreign_judgment(Example("bra flou?", ("gick", "praim")), random.Random(1))
    one, other = re.findall(r"Total (\d)\.", text)
    assert text == (
        "Specific Criteria:\n"
        "1. Clarity (100%): unknown words.\n"
        "Analysis:\n"
        f"- Response 1: unknown words, {one}. Total {one}.\n"
        f"- Response 2: unknown words, {other}. Total {other}.\n"
        f"Scores: \\boxed{{{one}, {other}}}"
    )


def test_the_same_generator_makes_up_the_same() -> None:
    assert foreign_example(random.Random(3)) == EXAMPLES[3] != EXAMPLES[4]
