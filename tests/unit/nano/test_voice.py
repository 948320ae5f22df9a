import random
import tomllib

import pytest

from grmkit.nano.voice import (
    FOLDER,
    HELD_OUT_EVERY,
    SHIFTS,
    Voice,
    held_out_words,
    phrases,
    plural,
    with_article,
    word_lists,
    words_of,
)

KINDS = sorted({kind for kind, _ in word_lists()})


def voice(shift=None, seed: int = 0) -> Voice:
    return Voice(random.Random(seed), shift)


def common_wordings() -> list[str]:
    return [text for (_, is_held_out), texts in phrases().items() if not is_held_out for text in texts]


# Words ----------------------------------------------------------------------------------------------------------


def test_every_eighth_word_is_held_out() -> None:
    assert HELD_OUT_EVERY == 8
    assert word_lists()["people", False][:8] == ("Ada", "Adil", "Aisha", "Alan", "Ali", "Amina", "Amir", "Ana")
    assert word_lists()["people", True][:2] == ("Amy", "Bella")


def test_a_word_of_a_common_wording_is_not_held_out() -> None:
    wordings = {word.lower() for word in words_of(*common_wordings())}
    assert wordings.isdisjoint(word.lower() for word in held_out_words())
    eighths = {word for kind in KINDS for word in _in_the_file(kind)[7::8]}
    assert eighths & wordings  # or there would be nothing to leave out
    assert held_out_words() == {word for word in eighths if word.lower() not in wordings}


def _in_the_file(kind: str) -> list[str]:
    return tomllib.loads((FOLDER / "lexicon.toml").read_text(encoding="utf-8"))[kind].split()


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_is_common_or_held_out(kind: str) -> None:
    common, held_out = word_lists()[kind, False], word_lists()[kind, True]
    assert held_out
    assert len(common) >= 12  # a list of the small world draws twelve
    assert sorted([*common, *held_out]) == sorted(_in_the_file(kind))
    assert len(set(common)) == len(common)
    assert held_out_words().issuperset(held_out)
    assert held_out_words().isdisjoint(common)


def test_words_are_drawn_from_the_share_asked_for() -> None:
    common, held_out = word_lists()["cities", False], word_lists()["cities", True]
    for shift in (None, "paraphrases", "numbers", "combinations"):
        drawn = voice(shift)
        assert all(drawn.word("cities") in common for _ in range(100))
        assert set(drawn.words("cities", 12)) <= set(common)
    drawn = voice("words")
    assert {drawn.word("cities") for _ in range(500)} == set(held_out)


@pytest.mark.parametrize("shift", [None, *SHIFTS])
def test_different_words(shift) -> None:
    for seed in range(50):
        words = voice(shift, seed).words("drinks", 12)
        assert len(set(words)) == 12
        assert [word in held_out_words() for word in words] == [shift == "words", *[False] * 11]


# Wordings -------------------------------------------------------------------------------------------------------


def test_no_wording_is_in_both_shares() -> None:
    held_out = [text for (_, is_held_out), texts in phrases().items() if is_held_out for text in texts]
    assert set(held_out).isdisjoint(common_wordings())
    assert len(set(held_out)) == len(held_out)
    assert all(phrases()[key, True] and phrases()[key, False] for key, _ in phrases())


def test_wordings_are_drawn_from_the_share_asked_for() -> None:
    for shift in (None, "words", "numbers", "combinations"):
        drawn = voice(shift)
        assert {drawn.phrase("tone-warm") for _ in range(300)} == set(phrases()["tone-warm", False])
    drawn = voice("paraphrases")
    assert {drawn.phrase("tone-warm") for _ in range(100)} == {"Sunny greetings to you.", "I am on your side."}


def test_slots_are_filled() -> None:
    assert voice("paraphrases").phrase("number-steps", a=3, b=4) == "I put 3 next to 4."
    assert voice("paraphrases").phrases("value-says", 9, v="tea")[0].count("tea") == 1


def test_several_wordings() -> None:
    drawn = voice().phrases("number-steps", 4, a=3, b=4)
    assert len(set(drawn)) == 4
    assert voice().phrases("filler", 0) == []
    assert sorted(voice().phrases("says-dodge", 99)) == sorted(phrases()["says-dodge", False])
    both = {*phrases()["says-dodge", False], *phrases()["says-dodge", True]}
    assert set(voice("paraphrases").phrases("says-dodge", 99)) == both


# The rest -------------------------------------------------------------------------------------------------------


def test_the_same_generator_says_the_same() -> None:
    def said(seed: int) -> list[str]:
        drawn = voice(seed=seed)
        return [drawn.word("people"), drawn.phrase("filler"), *drawn.words("trees", 5)]

    assert said(1) == said(1) != said(2)


@pytest.mark.parametrize("shift", [None, *SHIFTS])
def test_what_is_shifted(shift) -> None:
    assert [voice(shift).is_shifted(other) for other in SHIFTS] == [shift == other for other in SHIFTS]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{p} has 3 goats.", ["has", "goats"]),
        ("What is {a} + {b}?", ["What", "is"]),
        ("It's a cul-de-sac", ["It", "s", "a", "cul", "de", "sac"]),
        ("snake_case x2 été", ["snake", "case", "x", "été"]),
        ("12 + 3 = 15.", []),
    ],
)
def test_the_words_of_a_text(text: str, words: list[str]) -> None:
    assert words_of(text) == words
    assert words_of(text, "the end") == [*words, "the", "end"]


@pytest.mark.parametrize(
    ("word", "shown"), [("owl", "an owl"), ("goat", "a goat"), ("apple", "an apple"), ("yak", "a yak")]
)
def test_articles(word: str, shown: str) -> None:
    assert with_article(word) == shown


@pytest.mark.parametrize(
    ("word", "many"),
    [
        ("goat", "goats"),
        ("cherry", "cherries"),
        ("toy", "toys"),
        ("bus", "buses"),
        ("box", "boxes"),
        ("waltz", "waltzes"),
        ("bench", "benches"),
        ("brush", "brushes"),
    ],
)
def test_plurals(word: str, many: str) -> None:
    assert plural(word) == many
