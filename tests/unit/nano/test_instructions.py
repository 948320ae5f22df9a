import random
from collections.abc import Iterator

import pytest

from grmkit.nano.instructions import COMBINATIONS, HELD_OUT_COMBINATIONS, draw
from grmkit.nano.task import Remark, Task
from grmkit.nano.voice import Voice, held_out_words, words_of


def tasks(shift=None, num: int = 400) -> list[Task]:
    return [draw(Voice(random.Random(seed), shift)) for seed in range(num)]


def rules_of(task: Task) -> list[list[str]]:
    """`3 in all, with tea.` as [["count", "3"], ["with", "tea"]]; `tea first.` as [["first", "tea"]]."""
    rules = [rule.split() for rule in task.truth.text.removesuffix(".").split(", ")]
    named = {"in": lambda rule: ["count", rule[0]], "with": list, "without": list}
    return [named.get(rule[1] if rule[1] == "in" else rule[0], lambda rule: rule[::-1])(rule) for rule in rules]


def combination(task: Task) -> str:
    return " ".join(rule[0] for rule in rules_of(task))


def tasks_with(names: str) -> Iterator[tuple[Task, list[str]]]:
    """Tasks with these rules, and what each rule names."""
    shift = "combinations" if names in HELD_OUT_COMBINATIONS else None
    found = [task for task in tasks(shift) if combination(task) == names]
    assert len(found) > 20
    return ((task, [rule[1] for rule in rules_of(task)]) for task in found)


# Combinations ---------------------------------------------------------------------------------------------------


def test_some_combinations_of_rules_are_held_out() -> None:
    assert {combination(task) for task in tasks()} == set(COMBINATIONS)
    assert {combination(task) for task in tasks("combinations")} == set(HELD_OUT_COMBINATIONS)
    assert set(COMBINATIONS).isdisjoint(HELD_OUT_COMBINATIONS)


def test_the_request_names_every_rule() -> None:
    for task in [*tasks(), *tasks("combinations")]:
        asked = task.request.replace(".", "").replace("?", "").split()
        assert all(named in asked for _, named in rules_of(task)), task.request


def test_under_new_words_a_rule_names_one() -> None:
    for task in tasks("words"):
        named = [word for name, word in rules_of(task) if name != "count"]
        assert [word in held_out_words() for word in named] == [True, False][: len(named)]


def test_furniture_is_asked_for_in_pieces() -> None:
    assert any("pieces of furniture" in task.request for task in tasks())
    assert not any("furnitures" in words_of(task.request) for task in tasks())


# Scores ---------------------------------------------------------------------------------------------------------


def filled(num: int, **places: str) -> tuple[str, ...]:
    """A list of so many words, with these in the first or in the last place or in between."""
    words = [f"other{place}" for place in range(num)]
    for place, word in places.items():
        words[{"first": 0, "between": 1, "last": -1}[place]] = word
    return tuple(words)


def test_only_a_number_of_words() -> None:
    for task, [count] in tasks_with("count"):
        num = int(count)
        assert task.truth.read(filled(num)) == Remark(f"{num} of {num} yes", 10)
        assert task.truth.read(filled(num + 1)) == Remark(f"{num + 1} of {num} nearly", 5)
        assert task.truth.read(filled(num - 1)) == Remark(f"{num - 1} of {num} nearly", 5)
        assert task.truth.read(filled(num + 2)) == Remark(f"{num + 2} of {num} no", 1)


def test_a_number_of_words_with_one_of_them() -> None:
    for task, [count, word] in tasks_with("count with"):
        num = int(count)
        assert task.truth.read(filled(num, first=word)) == Remark(f"{num} of {num} yes and has {word} yes", 10)
        assert task.truth.read(filled(num + 1, last=word)) == Remark(f"{num + 1} of {num} nearly and has {word} yes", 7)
        assert task.truth.read(filled(num)) == Remark(f"{num} of {num} yes and lacks {word} no", 5)
        assert task.truth.read(filled(num + 2, last=word)) == Remark(f"{num + 2} of {num} no and has {word} yes", 5)
        assert task.truth.read(filled(num + 1)) == Remark(f"{num + 1} of {num} nearly and lacks {word} no", 3)
        assert task.truth.read(filled(num + 2)) == Remark(f"{num + 2} of {num} no and lacks {word} no", 1)


def test_a_number_of_words_without_one() -> None:
    for task, [count, word] in tasks_with("count without"):
        num = int(count)
        assert task.truth.read(filled(num)) == Remark(f"{num} of {num} yes and lacks {word} yes", 10)
        assert task.truth.read(filled(num, first=word)) == Remark(f"{num} of {num} yes and has {word} no", 5)


@pytest.mark.parametrize(("name", "other"), [("first", "last"), ("last", "first")])
def test_one_place(name: str, other: str) -> None:
    for task, [word] in tasks_with(name):
        assert task.truth.read(filled(3, **{name: word})) == Remark(f"{word} {name} yes", 10)
        assert task.truth.read(filled(3, **{other: word})).score == 1
        assert task.truth.read(filled(3, **{other: word})).text.endswith(f" {name} no")


def test_both_places() -> None:
    for task, [one, other] in tasks_with("first last"):
        assert task.truth.read(filled(4, first=one, last=other)).score == 10
        assert task.truth.read(filled(4, first=one, between=other)).score == 5
        assert task.truth.read(filled(4, between=one, last=other)).score == 5
        assert task.truth.read(filled(4, first=other, last=one)).score == 1


def test_one_word_in_it_and_another_last() -> None:
    for task, [one, other] in tasks_with("with last"):
        assert task.truth.read(filled(4, between=one, last=other)) == Remark(f"has {one} yes and {other} last yes", 10)
        assert task.truth.read(filled(4, last=other)).score == 5
        assert task.truth.read(filled(4, last=one)) == Remark(f"has {one} yes and {one} last no", 5)


# Mistaken beliefs -----------------------------------------------------------------------------------------------


def test_whoever_slips_miscounts_by_one() -> None:
    for task, [count] in tasks_with("count"):
        num = int(count)
        assert task.slip.text == f"{num + 1} in all."
        assert task.slip.read(filled(num)).score == 5
        assert task.slip.read(filled(num + 1)).score == 10


def test_whoever_slips_without_a_number_turns_the_first_rule() -> None:
    for task, [word] in tasks_with("with"):
        assert task.slip.text == task.truth.text
        assert task.slip.read(filled(3)) == Remark(f"lacks {word} yes", 10)
        assert task.slip.read(filled(3, first=word)) == Remark(f"has {word} no", 1)
    for task, [one, other] in tasks_with("first last"):
        assert task.slip.read(filled(3, last=other)).score == 10
        assert task.slip.read(filled(3, first=one)).score == 1


# Contents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [*COMBINATIONS, *HELD_OUT_COMBINATIONS])
def test_contents(names: str) -> None:
    """A word that has to be in it is never put in the place of another that has to stand there."""
    for task, _ in tasks_with(names):
        for level, scores in (("good", {10}), ("middling", {3, 5, 7} if " " in names else {1, 5}), ("bad", {1, 3, 5})):
            for _ in range(5):
                content = task.content(level)
                assert task.truth.read(content.key).score in scores, (task.truth.text, level, content.key)
                assert len(set(content.key)) == len(content.key) >= 1
                assert ", ".join(content.key) in content.text


def test_a_middling_list_keeps_one_of_two_places() -> None:
    for task, _ in tasks_with("first last"):
        assert {task.truth.read(task.content("middling").key).score for _ in range(10)} == {5}
