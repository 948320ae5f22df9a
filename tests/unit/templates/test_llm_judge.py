from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grmkit.errors import TemplateError
from grmkit.templates.llm_judge import LLMJudge
from grmkit.types import Example, Principle

A, SLIGHTLY_A, TIE, SLIGHTLY_B, B = (1.0, 0.0), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.0, 1.0)
STYLES = ("boxed", "mt-bench", "arena-hard", "llmbar", "rm-r1")
PAIR = Example("Why?", ("first", "second"), reference="known", principles=(Principle("be right"),))


def read(style: str, text: str, num: int = 2) -> Any:
    reading = LLMJudge(style).parse(text, num)
    return reading.scores or reading.unparsed_reason


def shown(style: str, example: Example = PAIR, order: tuple[int, ...] = (0, 1)) -> str:
    prompt = LLMJudge(style).render(example, order)
    assert [message.role for message in prompt.messages] == ["user"]
    assert prompt.neutralised == ()
    return prompt.messages[0].content


# Render ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "block"),
    [
        (
            "boxed",
            "[The Begin of Response 1]\nsecond\n[The End of Response 1]\n"
            "[The Begin of Response 2]\nfirst\n[The End of Response 2]",
        ),
        (
            "mt-bench",
            "[The Start of Assistant A's Answer]\nsecond\n[The End of Assistant A's Answer]\n\n"
            "[The Start of Assistant B's Answer]\nfirst\n[The End of Assistant B's Answer]",
        ),
        (
            "arena-hard",
            "<|The Start of Assistant A's Answer|>\nsecond\n<|The End of Assistant A's Answer|>\n\n"
            "<|The Start of Assistant B's Answer|>\nfirst\n<|The End of Assistant B's Answer|>",
        ),
        ("llmbar", "# Output (a):\nsecond\n\n# Output (b):\nfirst\n"),
        (
            "rm-r1",
            "[The Start of Chatbot A's Response]\nsecond\n[The End of Chatbot A's Response]\n\n"
            "[The Start of Chatbot B's Response]\nfirst\n[The End of Chatbot B's Response]",
        ),
    ],
)
def test_responses_come_in_the_order_asked_for(style: str, block: str) -> None:
    assert block in shown(style, order=(1, 0))


@pytest.mark.parametrize("style", STYLES)
def test_reference_and_principles_are_shown_if_there_are_any(style: str) -> None:
    assert "known" in shown(style)
    assert "be right" in shown(style)
    plain = shown(style, Example("Why?", ("first", "second")))
    assert "Reference" not in plain
    assert "criteria above all" not in plain
    assert "Evaluation Criteria" not in plain
    assert "Why?" in plain


@pytest.mark.parametrize(
    ("style", "labels"),
    [
        ("boxed", ["\\boxed{x}"]),
        ("mt-bench", ["[[A]]", "[[B]]", "[[C]]"]),
        ("arena-hard", ["[[A>>B]]", "[[A>B]]", "[[A=B]]", "[[B>A]]", "[[B>>A]]"]),
        ("llmbar", ["Output (a) is better", "Output (b) is better"]),
        ("rm-r1", ["<answer>[[A]]</answer>", "<answer>[[B]]</answer>"]),
    ],
)
def test_the_prompt_tells_the_labels(style: str, labels: list[str]) -> None:
    assert all(shown(style).count(label) == 1 for label in labels)


def test_many_responses() -> None:
    text = shown("boxed", Example("Q", tuple("abcdefgh")), tuple(range(8)))
    assert "8 responses to it" in text
    assert "[The End of Response 8]" in text


@pytest.mark.parametrize(
    ("style", "num", "message"),
    [
        ("boxed", 1, "llm-judge compares two or more responses, not 1"),
        ("mt-bench", 1, "llm-judge-mt-bench compares two responses, not 1"),
        ("arena-hard", 3, "llm-judge-arena-hard compares two responses, not 3"),
        ("llmbar", 3, "llm-judge-llmbar compares two responses, not 3"),
        ("rm-r1", 1, "llm-judge-rm-r1 compares two responses, not 1"),
    ],
)
def test_how_many_it_takes(style: str, num: int, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        LLMJudge(style).render(Example("Q", ("a",) * num), range(num))


def test_there_is_no_such_style() -> None:
    with pytest.raises(
        ValueError, match="no answer style 'bench'; expected one of boxed, mt-bench, arena-hard, llmbar, rm-r1"
    ):
        LLMJudge("bench")


def test_names_and_fingerprints(prompt_file: Callable[[str], Path]) -> None:
    judges = [LLMJudge(style) for style in STYLES]
    judges.append(LLMJudge("boxed", prompt_file=prompt_file("{{ query }} {{ responses[0] }} {{ responses[1] }}")))
    names = ["llm-judge", "llm-judge-mt-bench", "llm-judge-arena-hard", "llm-judge-llmbar"]
    names += ["llm-judge-rm-r1", "llm-judge"]
    assert [judge.name for judge in judges] == names
    assert len({judge.fingerprint for judge in judges}) == 6
    assert {judge.score_range for judge in judges} == {(0.0, 1.0)}


# Parse ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("So [[A]]", A),
        ("[[B]] it is: [[B]]", B),
        ("[[ C ]]", TIE),
        ("[[A]], see arr[[0]] and [[wiki]]", A),
        ("[[A]] or [[B]]", "ambiguous"),
        ("[[A]] if it is, [[C]] if not", "ambiguous"),
        ("A is better", "no_verdict"),
        ("[A]", "no_verdict"),
        ("[[a]]", "no_verdict"),
        ("[[D]]", "no_verdict"),
        ("[[A>B]]", "no_verdict"),
        ("[\\[A]]", "no_verdict"),
        ("<think>[[A]]</think>[[B]]", B),
        ("<think>[[A]]", "unclosed_thinking"),
        ("", "empty"),
    ],
)
def test_mt_bench(text: str, scores: Any) -> None:
    assert read("mt-bench", text) == scores


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("My final verdict is Assistant A is significantly better: [[A>>B]]", A),
        ("[[A>B]]", SLIGHTLY_A),
        ("[[A=B]]", TIE),
        ("[[B>A]]", SLIGHTLY_B),
        ("[[B>>A]]", B),
        ("[[ B >> A ]]", B),
        ("[[B<<A]]", A),
        ("[[B<A]]", SLIGHTLY_A),
        ("[[B=A]]", TIE),
        ("[[A<B]]", SLIGHTLY_B),
        ("[[A<<B]]", B),
        ("[[A>B]] that is [[B<A]]", SLIGHTLY_A),
        ("[[A>B]] or [[A>>B]]", "ambiguous"),
        ("[[A]]", "no_verdict"),
        ("[[A>=B]]", "no_verdict"),
        ("A>B", "no_verdict"),
    ],
)
def test_arena_hard(text: str, scores: Any) -> None:
    assert read("arena-hard", text) == scores


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("Output (a) is better.", A),
        ("Therefore, Output (b) is better.", B),
        ("Output (b) is not precise, so Output (a) is better.", A),
        ("**Output (a)**", A),
        ("I prefer Output (a) by far.", "no_verdict"),
        ("Output (a) is better in style, but Output (b) is the right choice overall.", "ambiguous"),
        ("Neither Output (a) nor Output (b) is better.", "no_verdict"),
        ("Output (c) is better.", "no_verdict"),
    ],
)
def test_llmbar(text: str, scores: Any) -> None:
    assert read("llmbar", text) == scores


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("<answer>[[A]]</answer>", A),
        ("<answer>[[B]]</answer>\n", B),
        ("<answer>\n[[ B ]]\n</answer>**", B),
        ("<think>Hm.</think>\n- <answer> [[A]] </answer>", A),  # as J1 was asked
        ("<think>Is it <answer>[[A]]</answer>?</think>\n<answer>[[B]]</answer>", B),
        ("<eval>It says <answer>[[A]]</answer>," + " so it does." * 7 + "</eval>\n<answer>[[B]]</answer>", B),
        ("It says <answer>[[A]]</answer>. <answer>[[B]]</answer>", "ambiguous"),
        ("<answer>[[B]]</answer> So B. <answer>[[B]]</answer>", B),
        ("<answer>[[A]]</answer> is what it asks for.", "no_verdict"),
        ("<answer>[[A/B]]</answer>", "no_verdict"),
        ("<answer>[[C]]</answer>", "no_verdict"),
        ("<answer>[[a]]</answer>", "no_verdict"),
        ("<answer>A</answer>", "no_verdict"),
        ("<answer>[\\[A]]</answer>", "no_verdict"),
        ("<answer></answer>", "no_verdict"),
        ("<answer>[[A]]", "no_verdict"),
        ("[[A]]", "no_verdict"),
        ("<answer>" + " " * 60 + "[[A]]</answer>", "no_verdict"),  # 8 + 60 + 5 + 9 characters: not within the last 80
        ("<think><answer>[[A]]</answer>", "unclosed_thinking"),
        ("", "empty"),
    ],
)
def test_rm_r1(text: str, scores: Any) -> None:
    assert read("rm-r1", text) == scores


def test_rm_r1_s_rubric_is_its_principles() -> None:
    text = (
        "<type>Chat</type>\n<rubric>\n1. Fit (60%): x\n2. Length (40%): y\n<justify>Because.</justify>\n</rubric>\n"
        "<eval>\nA is <quote_A>short</quote_A>.\n</eval>\n<answer>[[A]]</answer>"
    )
    reading = LLMJudge("rm-r1").parse(text, 2)
    assert reading.scores == A
    assert reading.principles == (Principle("x", "Fit", 60), Principle("y", "Length", 40))
    assert reading.critique == "A is <quote_A>short</quote_A>."
    solved = LLMJudge("rm-r1").parse("<solution>4</solution>\n<answer>[[B]]</answer>", 2)
    assert (solved.scores, solved.principles, solved.critique) == (
        B,
        (),
        "<solution>4</solution>\n<answer>[[B]]</answer>",
    )


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("Best Response: \\boxed{2}", B),
        ("**Best Response:** \\boxed{1}", A),
        ("### Best Response\n\\boxed{1}", A),
        ("Best Response: \\boxed{Response 2}", B),
        ("Best Response: 2", B),
        ("Best Response: Response 2", B),
        ("Best Response: 1\nBest Response: 2", B),
        ("Best Response: \\boxed{2}\n\nIt finds \\boxed{42}.", B),
        ("Best Response: \\boxed{3}", "out_of_range"),
        ("Best Response: \\boxed{1, 2}", "wrong_count"),
        ("Best Response: \\boxed{x}", "not_a_number"),
        ("Best Response: \\boxed{1} \\boxed{2}", "ambiguous"),
        ("Best Response:", "no_verdict"),
        ("\\boxed{2}", "no_verdict"),
        ("The best response is 2", "no_verdict"),
        ("> Best Response: \\boxed{2}", "no_verdict"),
        ("```\nBest Response: \\boxed{2}\n```\nsays it.", "no_verdict"),
    ],
)
def test_boxed(text: str, scores: Any) -> None:
    assert read("boxed", f"Analysis: so.\n{text}") == scores


def test_boxed_takes_many() -> None:
    assert read("boxed", "Best Response: \\boxed{3}", 4) == (0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("mt-bench", "[[A]]"),
        ("arena-hard", "[[A>B]]"),
        ("llmbar", "Output (a) is better"),
        ("rm-r1", "<answer>[[A]]</answer>"),
    ],
)
@pytest.mark.parametrize("num", [1, 3])
def test_two_labels_cannot_tell_of_three(style: str, text: str, num: int) -> None:
    assert read(style, text, num) == "wrong_count"


@pytest.mark.parametrize("style", STYLES)
def test_an_answer_cut_by_length_is_unreadable(style: str) -> None:
    text = "Output (a) is better [[A]] [[A>B]]\nBest Response: 1 <answer>[[A]]</answer>"
    assert LLMJudge(style).parse(text, 2, finish_reason="length").unparsed_reason == "cut_by_length"


def test_principles_and_critiques() -> None:
    text = "Specific Criteria:\n- Fit (60%): x\nAnalysis:\nResponse 1: a\nResponse 2: b\nBest Response: \\boxed{2}"
    reading = LLMJudge().parse(text, 2)
    assert reading.principles == (Principle("x", "Fit", 60),)
    assert (reading.critique, reading.critiques) == ("Response 1: a\nResponse 2: b", ("a", "b"))


def test_an_unreadable_answer_keeps_its_critiques() -> None:
    text = "Specific Criteria:\n- Fit (60%): x\nAnalysis:\nResponse 1: a\nResponse 2: b"
    reading = LLMJudge().parse(text, 2, finish_reason="length")
    assert reading.unparsed_reason == "cut_by_length"
    assert (reading.principles, reading.critiques) == ((Principle("x", "Fit", 60),), ("a", "b"))
    assert LLMJudge("mt-bench").parse("<think>hm", 2, finish_reason="length").critique is None


def test_without_sections_the_whole_answer_is_the_critique() -> None:
    reading = LLMJudge("mt-bench").parse("<think>hm</think>\nA is right. [[A]]\n", 2)
    assert (reading.critique, reading.critiques) == ("A is right. [[A]]", None)
    assert LLMJudge("mt-bench").parse(None, 2).critique is None
