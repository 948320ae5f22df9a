import pytest

from grmkit.nano.scope import MAX_UNKNOWN, count_unknown, known_words, why_out_of_domain
from grmkit.nano.voice import Shift, held_out_words, words_of
from grmkit.nano.world import Item
from grmkit.types import Example, Message, Principle


@pytest.mark.parametrize(
    ("example", "counts"),
    [
        (Example("What is 2 plus 3?", ("It is 5.",)), (0, 5)),
        (Example("What is 2 plus 3?", ("It is blarg.",)), (1, 6)),
        (Example("WHAT IS 2 PLUS 3?", ("it IS Blarg, blarg!",)), (2, 7)),
        (Example("What?", ("It is 5.",), reference="It is xyzzy."), (1, 6)),
        (Example("What?", ("A goat.", "Three goats.", "xyzzy")), (1, 6)),
        (Example((Message("system", "Be xyzzy."), Message("user", "What is it?")), ("It is.",)), (1, 7)),
        (Example("What?", ("It is.",), principles=(Principle("xyzzy", "plugh"),)), (0, 3)),
        (Example("2 + 2?", ("4",)), (0, 0)),
    ],
)
def test_unknown_words_are_counted(example: Example, counts: tuple[int, int]) -> None:
    assert count_unknown(example) == counts


def test_why() -> None:
    found = why_out_of_domain(Example("Explain gravity", ("Masses attract.",)))
    assert found is not None
    assert found.startswith("3 of 4 words are unknown to the nano judge, which knows its own small world only")
    assert f"(at most {MAX_UNKNOWN:.0%} may be)" in found


def test_as_many_as_may_be_unknown() -> None:
    num = int(MAX_UNKNOWN * 100)

    def example(num_unknown: int) -> Example:
        return Example("goat " * (100 - num_unknown), ("xyzzy " * num_unknown,))

    assert count_unknown(example(num)) == (num, 100)
    assert why_out_of_domain(example(num)) is None
    assert why_out_of_domain(example(num + 1)) is not None


def test_held_out_words_are_unknown() -> None:
    assert known_words().isdisjoint(word.lower() for word in held_out_words())
    assert {"goat", "goats", "ada", "an", "hurry", "cities"} <= known_words()
    assert all(word == word.lower() for word in known_words())


def test_every_word_of_the_training_split_is_known(train: list[Item]) -> None:
    shown = {word.lower() for item in train for word in words_of(str(item.example.query), *item.example.responses)}
    assert shown - known_words() == set()


def test_the_small_world_is_in_scope(train: list[Item], validation: list[Item]) -> None:
    for item in [*train[:500], *validation[:500]]:
        assert why_out_of_domain(item.example) is None
        num_unknown, num_words = count_unknown(item.example)
        assert num_unknown <= 0.05 * num_words


@pytest.mark.parametrize("shift", ["words", "numbers", "combinations"])
def test_so_is_what_is_new_in_it(shifted: dict[Shift, list[Item]], shift) -> None:
    assert all(why_out_of_domain(item.example) is None for item in shifted[shift])


@pytest.mark.parametrize(
    "text",
    [
        "The mitochondrion is the powerhouse of eukaryotic cells, producing adenosine triphosphate by respiration.",
        "def quicksort(array): return [] if not array else quicksort(smaller) + [pivot] + quicksort(larger)",
        "Wie spät ist es in Berlin, wenn es in Tokio Mittag ist?",
    ],
)
def test_other_texts_are_not(text: str) -> None:
    assert why_out_of_domain(Example(text, (text,))) is not None


@pytest.mark.parametrize(
    ("query", "response"), [("12 + 30?", "42"), ("?!", "..."), ("🙂", "It is fine."), (" ", "It is fine.")]
)
def test_text_without_a_word_is_out_of_domain(query, response):
    assert "no word" in str(why_out_of_domain(Example(query, (response,))))
