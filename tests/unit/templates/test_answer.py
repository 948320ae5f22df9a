import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.templates.answer import final_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Scores: 8", "Scores: 8"),
        ("<think>Scores: 1</think>\nScores: 8", "\nScores: 8"),
        ("no opening tag </think>Scores: 8", "Scores: 8"),
        ("<think>a</think>b<think>c</think>Scores: 8", "Scores: 8"),
        ("<THINKING>a</Thinking>Scores: 8", "Scores: 8"),
        ("<thought>a</thought>Scores: 8", "Scores: 8"),
        ("<seed:think>a</seed:think>Scores: 8", "Scores: 8"),
        ("[THINK]a[/THINK]Scores: 8", "Scores: 8"),
        ("◁think▷a◁/think▷Scores: 8", "Scores: 8"),
        ("<think></think>Scores: 8", "Scores: 8"),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_the_thinking_is_left_out(text: str, answer: str) -> None:
    assert final_answer(text, "stop") == final_answer(text, None) == (answer, None)


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason", "said"),
    [
        (None, "stop", "empty", ""),
        ("", "stop", "empty", ""),
        (" \n\t\u200a", None, "empty", " \n\t\u200a"),
        ("<think>Scores: 8</think>", "stop", "empty", ""),
        ("<think>a</think> \n", "stop", "empty", " \n"),
        ("<think>Scores: 8", "stop", "unclosed_thinking", ""),
        ("<think>a</think>Analysis: 8 <think>b", "stop", "unclosed_thinking", "Analysis: 8 "),
        ("[THINK]Scores: 8", "stop", "unclosed_thinking", ""),
        ("Analysis: 8", "length", "cut_by_length", "Analysis: 8"),
        ("<think>Scores: 8", "length", "cut_by_length", ""),
        ("<think>a</think>Analysis: 8", "length", "cut_by_length", "Analysis: 8"),
        ("Analysis: 8", "max_tokens", "cut_by_length", "Analysis: 8"),
        ("Analysis: 8", "MAX_TOKENS", "cut_by_length", "Analysis: 8"),
        (None, "length", "cut_by_length", ""),
        ("Analysis: 8", "content_filter", "filtered", "Analysis: 8"),
        (None, "content_filter", "filtered", ""),
        ("Analysis: 8", "SAFETY", "filtered", "Analysis: 8"),
    ],
)
def test_there_is_no_answer(text: str | None, finish_reason: str | None, reason: str, said: str) -> None:
    assert final_answer(text, finish_reason) == (said, reason)


@given(st.text() | st.text("<think>/ a"), st.sampled_from([None, "stop", "length", "content_filter", "tool_calls"]))
def test_an_answer_or_a_reason(text: str, finish_reason: str | None) -> None:
    answer, reason = final_answer(text, finish_reason)
    assert answer.strip() or reason is not None
    assert (reason == "empty") <= (answer.strip() == "")
    assert not re.search("<think>|</think>", answer)
