import pytest

from grmkit.templates.boxed import read_boxed
from grmkit.templates.protocol import Reading
from grmkit.types import Principle

ANSWER = """Specific Criteria:
1. Accuracy (60%): 2 + 2 = 4.
2. Brevity (40%): few sentences.
Analysis:
- Response 1: says 4, right, 10; 1 sentence, 10. Total 10.
- Response 2: says 9, wrong, 2; 3 sentences, 5. Total 3.
Scores: \\boxed{10, 3}"""


def read(text: str | None, num: int = 2, *, finish_reason: str | None = "stop", top: float = 10) -> Reading:
    return read_boxed(text, num, finish_reason=finish_reason, score_range=(1, top))


def test_everything_in_an_answer() -> None:
    one, other = ANSWER.splitlines()[4:6]
    assert read(ANSWER) == Reading(
        (10.0, 3.0),
        None,
        (Principle("2 + 2 = 4.", "Accuracy", 60), Principle("few sentences.", "Brevity", 40)),
        f"{one}\n{other}",
        ("says 4, right, 10; 1 sentence, 10. Total 10.", "says 9, wrong, 2; 3 sentences, 5. Total 3."),
    )


@pytest.mark.parametrize(
    ("ending", "num", "result"),
    [
        ("Scores: \\boxed{7}", 1, (7,)),
        ("Scores: \\boxed{1, 10}", 2, (1, 10)),
        ("Scores: \\boxed{4, 5, 6}", 3, (4, 5, 6)),
        ("Scores: \\boxed{4, 5}", 3, "wrong_count"),
        ("Scores: \\boxed{4, 5, 6}", 2, "wrong_count"),
        ("Scores: \\boxed{0, 5}", 2, "out_of_range"),
        ("Scores: \\boxed{5, 11}", 2, "out_of_range"),
        ("Scores: \\boxed{good, bad}", 2, "not_a_number"),
        ("Scores:", 2, "no_scores"),
        ("\\boxed{4, 5}", 2, "no_scores"),
    ],
)
def test_endings(ending: str, num: int, result: tuple[float, ...] | str) -> None:
    reading = read(f"Analysis:\nBoth are fine.\n{ending}", num)
    assert (reading.scores or reading.unparsed_reason) == result
    assert (reading.critique or "").startswith("Both are fine.")


def test_the_range_is_the_callers() -> None:
    assert read(ANSWER, top=9).unparsed_reason == "out_of_range"
    assert read(ANSWER, top=10).scores == (10, 3)
    assert read_boxed("Scores: \\boxed{0, 1}", 2, finish_reason=None, score_range=(0, 1)).scores == (0, 1)


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason"),
    [
        (None, None, "empty"),
        (" \n", "stop", "empty"),
        (ANSWER, "length", "cut_by_length"),
        (ANSWER, "content_filter", "filtered"),
        (f"<think>{ANSWER}", "stop", "unclosed_thinking"),
    ],
)
def test_an_answer_that_does_not_count(text: str | None, finish_reason: str | None, reason: str) -> None:
    reading = read(text, finish_reason=finish_reason)
    assert (reading.scores, reading.unparsed_reason) == (None, reason)


def test_of_an_answer_cut_short_the_rest_is_kept() -> None:
    reading = read(ANSWER, finish_reason="length")
    assert [principle.name for principle in reading.principles] == ["Accuracy", "Brevity"]
    assert len(reading.critiques or ()) == 2
