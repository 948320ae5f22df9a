import random
import re
from operator import add, mul, sub

import pytest

from grmkit.nano.arithmetic import draw
from grmkit.nano.task import Remark, Task
from grmkit.nano.voice import Voice

SIGNS = {"+": add, "-": sub, "x": mul}


def tasks(shift=None, num: int = 300) -> list[Task]:
    return [draw(Voice(random.Random(seed), shift)) for seed in range(num)]


def sum_of(text: str) -> tuple[int, str, int, int]:
    """A belief such as `12 - 5 = 7.`"""
    found = re.fullmatch(r"(\d+) ([+x-]) (\d+) = (\d+)\.", text)
    assert found, text
    return int(found[1]), found[2], int(found[3]), int(found[4])


@pytest.mark.parametrize("shift", [None, "words", "paraphrases", "numbers"])
def test_the_truth_is_true_and_the_slip_is_not(shift) -> None:
    for task in tasks(shift):
        a, sign, b, result = sum_of(task.truth.text)
        assert SIGNS[sign](a, b) == result
        assert sum_of(task.slip.text)[:3] == (a, sign, b)
        assert abs(sum_of(task.slip.text)[3] - result) > 1
        assert {str(a), str(b)} <= set(re.findall(r"\d+", task.request))
        assert task.criterion == "Accuracy"


def test_all_three_kinds() -> None:
    assert {sum_of(task.truth.text)[1] for task in tasks()} == set(SIGNS)


def test_a_number_is_right_close_or_wrong() -> None:
    for task in tasks(num=30):
        *_, result = sum_of(task.truth.text)
        assert task.truth.read(result) == Remark(f"says {result}, right", 10)
        assert task.truth.read(result + 1) == Remark(f"says {result + 1}, close", 5)
        assert task.truth.read(result - 1) == Remark(f"says {result - 1}, close", 5)
        assert task.truth.read(result + 2) == Remark(f"says {result + 2}, wrong", 2)
        assert task.truth.read(result - 10) == Remark(f"says {result - 10}, wrong", 2)


def test_whoever_slips_takes_a_wrong_number_for_right() -> None:
    for task in tasks(num=30):
        *_, result = sum_of(task.truth.text)
        *_, mistaken = sum_of(task.slip.text)
        assert task.slip.read(mistaken) == Remark(f"says {mistaken}, right", 10)
        assert task.slip.read(result).score < 10


@pytest.mark.parametrize(("level", "score"), [("good", 10), ("middling", 5), ("bad", 2)])
def test_contents(level, score: int) -> None:
    for task in tasks():
        content = task.content(level)
        assert task.truth.read(content.key).score == score
        assert re.findall(r"\d+", content.text) == [str(content.key)]
        assert content.key > 0


def test_held_out_numbers_are_larger() -> None:
    largest = {"+": 49, "-": 59, "x": 12}
    for task in tasks():
        a, sign, b, _ = sum_of(task.truth.text)
        assert 2 <= b <= max(a, b) <= largest[sign]
    for task in tasks("numbers"):
        a, sign, b, _ = sum_of(task.truth.text)
        assert max(a, b) > largest[sign]


def test_steps_name_the_numbers() -> None:
    task = tasks(num=1)[0]
    a, _, b, _ = sum_of(task.truth.text)
    assert len(set(task.steps)) == 4
    assert {number for step in task.steps for number in re.findall(r"\d+", step)} == {str(a), str(b)}
