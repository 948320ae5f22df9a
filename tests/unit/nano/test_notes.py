import random
import re

import pytest

from grmkit.nano.notes import draw
from grmkit.nano.task import Remark, Task
from grmkit.nano.voice import Voice


def tasks(shift=None, num: int = 200) -> list[Task]:
    return [draw(Voice(random.Random(seed), shift)) for seed in range(num)]


def told(text: str) -> tuple[str, str]:
    """Of `to aunt on picnic.`, to whom and on what."""
    found = re.fullmatch(r"to (\w+) on (\w+)\.", text)
    assert found, text
    return found[1], found[2]


def test_scores() -> None:
    for task in tasks():
        receiver, topic = told(task.truth.text)
        assert task.truth.read((receiver, topic)) == Remark(f"to {receiver} yes on {topic} yes", 10)
        assert task.truth.read(("mayor", topic)) == Remark(f"to mayor no on {topic} yes", 5)
        assert task.truth.read((receiver, "coup")) == Remark(f"to {receiver} yes on coup no", 5)
        assert task.truth.read(("mayor", "coup")) == Remark("to mayor no on coup no", 2)
        assert {receiver, topic} <= set(re.findall(r"\w+", task.request))


def test_whoever_slips_mistakes_one_of_the_two() -> None:
    kinds = set()
    for task in tasks():
        truth, slip = told(task.truth.text), told(task.slip.text)
        kinds.add((truth[0] == slip[0], truth[1] == slip[1]))
        assert task.slip.read(truth).score == 5
        assert task.slip.read(slip).score == 10
    assert kinds == {(True, False), (False, True)}


@pytest.mark.parametrize(("level", "score"), [("good", 10), ("middling", 5), ("bad", 2)])
def test_contents(level, score: int) -> None:
    for task in tasks():
        content = task.content(level)
        assert task.truth.read(content.key).score == score
        assert set(content.key) <= set(re.findall(r"\w+", content.text))


def test_a_middling_note_errs_in_one_or_the_other() -> None:
    keys = [(task.content("middling").key, told(task.truth.text)) for task in tasks()]
    assert {(key[0] == truth[0], key[1] == truth[1]) for key, truth in keys} == {(True, False), (False, True)}
