import re
from itertools import islice

import pytest

from grmkit.nano.lessons import Lesson, general, gold_principles, lesson_at, lessons
from grmkit.nano.teacher import ATTENTIVE, Noise
from grmkit.nano.voice import held_out_words, words_of
from grmkit.nano.world import item_at, items
from grmkit.templates.nano import Nano
from grmkit.types import Principle

NOISE = Noise(slip=0.15, wish=0.12, weight=0.15, remark=0.1, jitter=0.35)
NUM = 1000
MARKS = {
    "reference": "\nReference: ",
    "principles": "Criteria given:\n",
    "hinted": "\nThe best response is: ",
    "hinted single": "\nThe correct score is: ",
}


def prompt_of(lesson: Lesson) -> str:
    (message,) = lesson.messages
    assert message.role == "user"
    return message.content


def kind_of(lesson: Lesson) -> str:
    if "unknown words" in lesson.judgment:
        return "foreign"
    found = [kind for kind, mark in MARKS.items() if mark in prompt_of(lesson)]
    assert len(found) < 2
    return (found or ["plain"])[0]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[int, Lesson]]:
    """Lessons by kind and number."""
    by_kind: dict[str, dict[int, Lesson]] = {}
    for number in range(NUM):
        lesson = lesson_at(number, noise=NOISE)
        by_kind.setdefault(kind_of(lesson), {})[number] = lesson
    return by_kind


def test_every_kind_occurs_and_most_are_plain(found: dict[str, dict[int, Lesson]]) -> None:
    assert set(found) == {"plain", "foreign", *MARKS}
    assert len(found["plain"]) > NUM / 2


def test_every_judgment_can_be_read(found: dict[str, dict[int, Lesson]]) -> None:
    for by_number in found.values():
        for lesson in by_number.values():
            num = len(re.findall(r"^Response \d: ", prompt_of(lesson), re.MULTILINE))
            assert Nano().parse(lesson.judgment, num).scores is not None


def test_a_plain_lesson_shows_the_item_and_nothing_else(found: dict[str, dict[int, Lesson]]) -> None:
    orders = set()
    for number, lesson in found["plain"].items():
        example = item_at("train", number).example
        order = sorted(
            range(len(example.responses)), key=lambda i: prompt_of(lesson).index(f": {example.responses[i]}")
        )
        shown = [f"Response {place}: {example.responses[index]}" for place, index in enumerate(order, 1)]
        assert prompt_of(lesson) == "\n".join([f"Query: {example.query}", *shown])
        orders.add(tuple(order))
    assert {(0, 1), (1, 0)} <= orders


def test_a_reference_is_shown(found: dict[str, dict[int, Lesson]]) -> None:
    for number, lesson in found["reference"].items():
        item = item_at("train", number)
        assert f"\nReference: {item.example.reference}\nResponse 1: " in prompt_of(lesson)
        assert item.truth.text in lesson.judgment


def test_given_principles_are_those_judged_by(found: dict[str, dict[int, Lesson]]) -> None:
    for number, lesson in found["principles"].items():
        given = re.findall(r"^- (\w+) \(Weight: (\d+)%\): (.+)$", prompt_of(lesson).split("Query: ")[0], re.MULTILINE)
        told = re.findall(r"^\d\. (\w+) \((\d+)%\): (.+)$", lesson.judgment, re.MULTILINE)
        assert given == told
        assert len(given) == len(item_at("train", number).criteria)


def test_a_hint_is_followed(found: dict[str, dict[int, Lesson]]) -> None:
    for lesson in found["hinted"].values():
        best = int(re.findall(r"The best response is: Response (\d)$", prompt_of(lesson))[0])
        num = len(re.findall(r"^Response \d: ", prompt_of(lesson), re.MULTILINE))
        scores = Nano().parse(lesson.judgment, num).scores or ()
        assert scores[best - 1] == max(scores)
        assert scores.count(max(scores)) == 1
    for number, lesson in found["hinted single"].items():
        gold = float(re.findall(r"The correct score is: ([\d.]+)$", prompt_of(lesson))[0])
        assert (gold,) == item_at("train", number).example.label
        assert abs((Nano().parse(lesson.judgment, 1).scores or (0,))[0] - gold) < 1


def test_no_lesson_shows_a_held_out_word(found: dict[str, dict[int, Lesson]]) -> None:
    held_out = {word.lower() for word in held_out_words()}
    for kind, by_number in found.items():
        for lesson in by_number.values():
            shown = held_out.intersection(word.lower() for word in words_of(prompt_of(lesson), lesson.judgment))
            assert not shown or (kind == "foreign" and max(map(len, shown)) <= 5)  # made up by chance


def test_nothing_of_the_world_imitates_the_prompt(found: dict[str, dict[int, Lesson]]) -> None:
    assert not any("\\" in prompt_of(lesson) for by_number in found.values() for lesson in by_number.values())


# Numbers and seeds ----------------------------------------------------------------------------------------------


def test_a_lesson_depends_on_its_number_and_the_seed() -> None:
    assert list(islice(lessons(noise=NOISE), 6)) == [lesson_at(number, noise=NOISE) for number in range(6)]
    assert list(islice(lessons(4, noise=NOISE), 2)) == [lesson_at(number, noise=NOISE) for number in (4, 5)]
    assert next(lessons(4, seed=1)).messages == lesson_at(4, seed=1).messages != lesson_at(4).messages


def test_without_noise_of_its_own_a_lesson_has_the_usual() -> None:
    assert [lesson_at(number) for number in range(20)] == [lesson_at(number, noise=Noise()) for number in range(20)]
    assert [lesson_at(number, noise=ATTENTIVE) for number in range(20)] != [lesson_at(number) for number in range(20)]


# What else is taught ----------------------------------------------------------------------------------------------


def test_gold_principles() -> None:
    for item in items("train", 50):
        principles = gold_principles(item)
        assert principles[0] == Principle(item.truth.text, item.criteria[0].name, item.criteria[0].weight)
        wishes = [entry for entry in item.criteria if entry.axis]
        assert list(principles[1:]) == [Principle(w.axis.text, w.name, w.weight) for w in wishes if w.axis]


def test_general_instructions_are_those_of_the_training_split() -> None:
    expected = [(item.example.query, item.example.reference) for item in items("train", 30, seed=2)]
    assert [(each.query, each.response) for each in general(30, seed=2)] == expected
