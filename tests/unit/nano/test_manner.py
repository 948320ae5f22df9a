import random
from itertools import permutations, product

import pytest

from grmkit.nano.manner import AXES, MARKS, SURENESS, TONES, Axis, Manner, draw_manner, say
from grmkit.nano.task import Remark
from grmkit.nano.voice import Voice, phrases

PLAIN = Manner("plain", "plain", "none", 0, 0)
EVERY = [Manner(*values) for values in product(TONES, SURENESS, MARKS, range(3), range(3))]
STEPS = ("I read it.", "I read it twice.", "I thought.", "I slept.")


def manner(**values) -> Manner:
    fields = {"tone": "plain", "sureness": "plain", "marks": "none", "num_steps": 0, "num_fillers": 0}
    return Manner(**{**fields, **values})


def voice(seed: int = 0) -> Voice:
    return Voice(random.Random(seed))


# What a reader finds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "num"),
    [
        ({}, 1),
        ({"tone": "warm"}, 2),
        ({"tone": "formal"}, 2),
        ({"sureness": "hedged", "marks": "bullets"}, 1),
        ({"num_steps": 2, "num_fillers": 1}, 4),
        ({"tone": "formal", "num_steps": 2, "num_fillers": 2}, 6),
    ],
)
def test_sentences(values, num: int) -> None:
    assert manner(**values).num_sentences == num


@pytest.mark.parametrize(
    ("name", "values", "text", "score"),
    [
        ("Brevity", {}, "1 sentence", 10),
        ("Brevity", {"num_fillers": 1}, "2 sentences", 8),
        ("Brevity", {"num_fillers": 2}, "3 sentences", 5),
        ("Brevity", {"num_fillers": 2, "num_steps": 1}, "4 sentences", 3),
        ("Brevity", {"num_fillers": 2, "num_steps": 2}, "5 sentences", 1),
        ("Brevity", {"num_fillers": 2, "num_steps": 2, "tone": "warm"}, "6 sentences", 1),
        ("Detail", {"num_fillers": 2}, "no steps", 2),
        ("Detail", {"num_steps": 1}, "a step", 7),
        ("Detail", {"num_steps": 2}, "steps", 10),
        ("Warmth", {"tone": "warm"}, "kind", 10),
        ("Warmth", {}, "neutral", 5),
        ("Warmth", {"tone": "formal"}, "stiff", 2),
        ("Formality", {"tone": "warm"}, "chummy", 2),
        ("Formality", {}, "neutral", 5),
        ("Formality", {"tone": "formal"}, "formal", 10),
        ("Caution", {"sureness": "hedged"}, "doubts", 10),
        ("Caution", {}, "flat", 6),
        ("Caution", {"sureness": "sure"}, "boasts", 2),
        ("Resolve", {"sureness": "hedged"}, "doubts", 2),
        ("Resolve", {}, "flat", 6),
        ("Resolve", {"sureness": "sure"}, "firm", 10),
        ("Layout", {}, "no marks", 3),
        ("Layout", {"marks": "bold"}, "bold", 10),
        ("Layout", {"marks": "bullets"}, "bullets", 10),
        ("Prose", {}, "no marks", 10),
        ("Prose", {"marks": "bold"}, "bold", 3),
        ("Prose", {"marks": "bullets"}, "bullets", 3),
    ],
)
def test_what_a_reader_finds(name: str, values, text: str, score: int) -> None:
    assert AXES[name].read(manner(**values)) == Remark(text, score)


@pytest.mark.parametrize(
    ("name", "values", "text", "score"),
    [
        ("Brevity", {}, "2 sentences", 8),
        ("Brevity", {"tone": "warm"}, "3 sentences", 5),
        ("Brevity", {"num_fillers": 2}, "2 sentences", 8),
        ("Detail", {}, "a step", 7),
        ("Detail", {"num_steps": 1}, "no steps", 2),
        ("Detail", {"num_steps": 2}, "a step", 7),
        ("Warmth", {"tone": "warm"}, "neutral", 5),
        ("Resolve", {"sureness": "hedged"}, "flat", 6),
        ("Prose", {"marks": "bullets"}, "no marks", 10),
    ],
)
def test_what_an_inattentive_reader_finds(name: str, values, text: str, score: int) -> None:
    assert AXES[name].misread(manner(**values)) == Remark(text, score)


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_an_inattentive_reader_always_errs(axis: Axis) -> None:
    assert all(axis.misread(each) != axis.read(each) for each in EVERY)


def test_wishes_come_in_opposites() -> None:
    assert len(AXES) == 8
    for name, axis in AXES.items():
        assert axis.name == name
        assert AXES[axis.excludes].excludes == name != axis.excludes
        assert phrases()[axis.cue, False]
        assert axis.text.endswith(".")


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_every_manner_scores_from_one_to_ten(axis: Axis) -> None:
    scores = {axis.read(each).score for each in EVERY}
    assert max(scores) == 10
    assert 1 <= min(scores) <= 3
    assert axis.has_middle == any(4 <= score < 8 for score in scores)


# Manners to order -------------------------------------------------------------------------------------------------


def fits(score: int, level: str) -> bool:
    return {"good": 8 <= score <= 10, "middling": 4 <= score < 8, "bad": 1 <= score < 4}[level]


COMPATIBLE = [(one, other) for one, other in permutations(AXES.values(), 2) if one.excludes != other.name]


@pytest.mark.parametrize(("one", "other"), COMPATIBLE, ids=lambda axis: axis.name)
def test_a_manner_to_order(one: Axis, other: Axis) -> None:
    for seed, (level, other_level) in enumerate(product(("good", "middling", "bad"), repeat=2)):
        drawn = draw_manner(voice(seed), [(one, level), (other, other_level)])
        for axis, wanted in ((one, level), (other, other_level)):
            score = axis.read(drawn).score
            assert fits(score, wanted) if axis.has_middle or wanted != "middling" else score in (3, 10)


@pytest.mark.parametrize("name", ["Layout", "Prose"])
def test_marks_have_no_middle(name: str) -> None:
    """A wish that cannot be met half is met or not, and the other wish still counts."""
    drawn = [draw_manner(voice(seed), [(AXES[name], "middling"), (AXES["Warmth"], "good")]) for seed in range(100)]
    assert {AXES[name].read(each).score for each in drawn} == {3, 10}
    assert {each.tone for each in drawn} == {"warm"}


def test_wishes_that_cannot_be_met_together_end() -> None:
    opposites = [(AXES["Warmth"], "good"), (AXES["Formality"], "good")]
    assert draw_manner(voice(), opposites) in EVERY


def test_without_wishes_every_quality_occurs() -> None:
    drawn = [draw_manner(voice(seed), []) for seed in range(300)]
    assert {each.tone for each in drawn} == set(TONES)
    assert {each.sureness for each in drawn} == set(SURENESS)
    assert {each.marks for each in drawn} == set(MARKS)
    assert {each.num_steps for each in drawn} == {each.num_fillers for each in drawn} == {0, 1, 2}


# How it is said ---------------------------------------------------------------------------------------------------


def test_plain() -> None:
    assert say(voice(), "It is 4.", PLAIN, STEPS) == "It is 4."
    assert say(voice(), "It is 4.", manner(marks="bold"), STEPS) == "**It is 4.**"
    assert say(voice(), "It is 4.", manner(marks="bullets"), STEPS) == "- It is 4."


@pytest.mark.parametrize("sureness", ["hedged", "sure"])
def test_sureness(sureness: str) -> None:
    said = say(voice(), "It is 4.", manner(sureness=sureness, marks="bold"), STEPS)
    assert said.strip("*").removesuffix(" It is 4.") in phrases()[f"sure-{sureness}", False]


@pytest.mark.parametrize("tone", ["warm", "formal"])
def test_the_tone_stands_first_or_last(tone: str) -> None:
    places = set()
    for seed in range(30):
        lines = say(voice(seed), "It is 4.", manner(tone=tone, marks="bullets", num_steps=2), STEPS).split("\n")
        (place,) = [place for place, line in enumerate(lines) if line[2:] in phrases()[f"tone-{tone}", False]]
        places.add(place)
    assert places == {0, 3}


@pytest.mark.parametrize("each", EVERY[::5])
def test_as_many_sentences_as_it_has(each: Manner) -> None:
    said = say(voice(), "It is 4.", each, STEPS)
    parts = said.split("\n") if each.marks == "bullets" else said.replace("**", "").replace(". ", ".\n").split("\n")
    steps = [part for part in parts if part.removeprefix("- ") in STEPS]
    assert len(set(steps)) == len(steps) == each.num_steps
    assert sum(part.removeprefix("- ") in phrases()["filler", False] for part in parts) == each.num_fillers
    assert said.count("It is 4.") == 1
    if each.tone == "plain":
        assert len(parts) == each.num_sentences


def test_the_content_stands_anywhere() -> None:
    places = {
        say(voice(seed), "It is 4.", manner(marks="bullets", num_steps=2), STEPS).split("\n").index("- It is 4.")
        for seed in range(60)
    }
    assert places == {0, 1, 2}
