"""Where scores stand in an answer: in every form that is read, and nowhere if two places say the same."""

import pytest

from grmkit.templates import load_template
from grmkit.templates.places import MAX_NUMBERS, find_places, find_scale

GRM = load_template("deepseek-grm")


def look(text, num=2, template=GRM, finish_reason="stop"):
    """The numbers that were found, with what stands before each; None if there are none."""

    def read(changed):
        return template.parse(changed, num, finish_reason=finish_reason).scores

    places = find_places(text, read, template.score_range)
    return None if places is None else [text[: place.start][-4:] + text[place.start : place.end] for place in places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Scores: \\boxed{8, 10}", ["xed{8", "{8, 10"]),
        ("Analysis:\n- Response 1: 8 of 10\n\nScores: \\boxed{8, 10}", ["xed{8", "{8, 10"]),
        ("Scores: 8, 10", ["es: 8", " 8, 10"]),
        ("Scores: \\boxed{10/10, 7/10}", ["xed{10", "10, 7"]),
        ("Scores: \\boxed{8} and \\boxed{10}", ["xed{8", "xed{10"]),
        ("Scores:\n- Response 1: 1\n- Response 2: 2", [" 1: 1", " 2: 2"]),
        ("Scores:\nResponse 2: 1\nResponse 1: 2", [" 1: 2", " 2: 1"]),
        ("Scores: \\boxed{8, 8}", ["xed{8", "{8, 8"]),
        ("Scores: \\boxed{8.5, 7}", ["xed{8.5", ".5, 7"]),
        ("<think>Scores: \\boxed{1, 2}</think>\r\nScores: \\boxed{1,2}", ["xed{1", "d{1,2"]),
        ("```\nScores: \\boxed{8, 10}\n```", ["xed{8", "{8, 10"]),
    ],
)
def test_every_form_that_is_read_has_its_places(text, expected):
    assert look(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Scores: \\boxed{8, 9}\n\n\\boxed{8, 9}",  # said twice: no single number decides
        "Scores: \\boxed{8, 9}\n\n\\boxed{8, 9}\n\n8 9",
        "Scores: none",
        "",
    ],
)
def test_there_is_no_place_where_no_single_number_decides(text):
    assert look(text) is None


def test_an_answer_that_was_cut_has_no_places():
    assert look("Scores: \\boxed{8, 9}", finish_reason="length") is None


def test_a_judge_that_names_the_best_has_no_places():
    judge = load_template("llm-judge")
    assert judge.parse("Best Response: \\boxed{1}", 2).scores == (1, 0)
    assert look("Best Response: \\boxed{1}", template=judge) is None


def test_scores_stand_at_the_end_and_no_more_than_the_last_numbers_are_tried():
    text = "Scores: \\boxed{8, 9}"
    assert look(text + "\n\n" + "9 " * (MAX_NUMBERS - 2)) == ["xed{8", "{8, 9"]
    assert look(text + "\n\n" + "9 " * MAX_NUMBERS) is None


@pytest.mark.parametrize(
    ("template", "num", "text", "expected"),
    [
        ("deepseek-grm", 2, "Scores: \\boxed{8, 9}", tuple(range(1, 11))),
        ("deepseek-grm-binary", 1, "Scores: \\boxed{1}", (0, 1)),
        ("deepseek-grm-mixed", 2, "Scores: \\boxed{8, 10}", tuple(range(1, 11))),
        ("deepseek-grm-mixed", 1, "Scores: \\boxed{0}", (0, 1)),
    ],
)
def test_the_scale_is_what_would_be_read(template, num, text, expected):
    judge = load_template(template)

    def read(changed):
        return judge.parse(changed, num).scores

    places = find_places(text, read, judge.score_range)
    assert places is not None
    assert find_scale(text, places[0], read, judge.score_range) == expected
