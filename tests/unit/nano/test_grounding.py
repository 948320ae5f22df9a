import random
import re

import pytest

from grmkit.nano.grounding import RELATIONS, draw
from grmkit.nano.task import Remark, Task
from grmkit.nano.voice import Voice, phrases, word_lists


def tasks(shift=None, num: int = 400) -> list[Task]:
    return [draw(Voice(random.Random(seed), shift)) for seed in range(num)]


def told(text: str) -> tuple[str, str]:
    """Of `for Ada the lines say tea.`, who and what."""
    found = re.fullmatch(r"for (\w+) the lines say (\w+)\.", text)
    assert found, text
    return found[1], found[2]


def is_open(task: Task) -> bool:
    return told(task.truth.text)[1] == "open"


def test_most_questions_are_answered_by_the_lines() -> None:
    for task in tasks():
        person, answer = told(task.truth.text)
        assert re.search(rf"\b{person}\b", task.request)
        assert is_open(task) != bool(re.search(rf"\b{answer}\b", task.request))
    assert 0.1 < sum(map(is_open, tasks())) / 400 < 0.3


def test_of_a_person_in_an_open_question_the_lines_tell_nothing() -> None:
    for task in filter(is_open, tasks()):
        person, _ = told(task.truth.text)
        assert len(re.findall(rf"\b{person}\b", task.request)) == 1  # in the question


def test_what_the_lines_say_is_right() -> None:
    for task in tasks():
        _, answer = told(task.truth.text)
        assert task.truth.read(answer) == Remark(f"says {answer}, right", 10)
        assert task.truth.read("nonsense") == Remark("says nonsense, wrong", 2)
        if not is_open(task):
            assert task.truth.read("open") == Remark("says open, misses it", 4)


def test_whoever_slips_takes_the_value_of_another_or_none() -> None:
    kinds = set()
    for task in tasks():
        person, mistaken = told(task.slip.text)
        assert person == told(task.truth.text)[0]
        assert mistaken != told(task.truth.text)[1]
        assert mistaken == "open" or re.search(rf"\b{mistaken}\b", task.request)
        kinds.add((is_open(task), mistaken == "open"))
    assert kinds == {(True, False), (False, False), (False, True)}


@pytest.mark.parametrize("level", ["good", "middling", "bad"])
def test_contents(level) -> None:
    for task in tasks():
        content = task.content(level)
        expected = 10 if level == "good" else 4 if level == "middling" and not is_open(task) else 2
        assert task.truth.read(content.key).score == expected
        if content.key == "open":
            assert content.text in phrases()["value-missing", False]
        else:
            assert re.search(rf"\b{content.key}\b", content.text, re.IGNORECASE)


def test_a_wrong_answer_is_often_that_of_another_person() -> None:
    """So it cannot be told by looking for the word alone."""
    shown = [bool(re.search(rf"\b{task.content('bad').key}\b", task.request)) for task in tasks() if not is_open(task)]
    assert 0.3 < sum(shown) / len(shown) < 0.7


def test_every_relation() -> None:
    asked = {
        relation
        for task in tasks()
        for relation in RELATIONS
        for ask in phrases()[f"ask-{relation}", False]
        if re.search(re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(ask)), task.request)
    }
    assert asked == set(RELATIONS)


def test_words_of_another_person_are_known_ones() -> None:
    cities = [task for task in tasks("words") if told(task.truth.text)[1] in word_lists()["cities", True]]
    assert cities
    assert all(told(task.truth.text)[0] in word_lists()["people", True] for task in cities)


def test_numbers_up_to_sixty() -> None:
    numbers = [int(number) for task in tasks() for number in re.findall(r"\d+", task.request)]
    assert min(numbers) >= 2
    assert 50 < max(numbers) <= 60


def test_held_out_numbers_are_larger() -> None:
    numbers = [int(number) for task in tasks("numbers") for number in re.findall(r"\d+", task.request)]
    assert numbers
    assert 70 <= min(numbers) <= max(numbers) < 99


def test_under_new_numbers_every_question_is_about_one() -> None:
    assert all(re.search(r"\d", task.request) for task in tasks("numbers"))
