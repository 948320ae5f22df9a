import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.errors import TemplateError
from grmkit.templates import load_template
from grmkit.templates.deepseek_grm import DeepSeekGRM
from grmkit.types import Example, Message, Principle, ToolCall

TITLES = ["Evaluation Criteria", "Conversation Context", "Responses to be Scored", "Output Format Requirements"]
ANSWER = """Specific Criteria:
1. **Accuracy** (Weight: 60%): the steps are right.
2. **Style** (Weight: 40%): it reads well.
Analysis:
- **Response 1**: right, but dull.
- **Response 2**: lively.
Scores: \\boxed{8, 9}"""


def shown(example: Example, order: tuple[int, ...] | None = None, **kinds: Any) -> str:
    prompt = DeepSeekGRM(**kinds).render(example, order or tuple(range(len(example.responses))))
    assert [message.role for message in prompt.messages] == ["user"]
    return prompt.messages[0].content


def part(text: str, title: str) -> str:
    return text.split(f"#### {title} ####\n")[1].split("\n#### ")[0]


SUB_SCORES = "**Overall Score**: 8\n- **Response 2**\n  - **Overall Score**: 9\n**Overall Score**: 9"

# Render ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num", [2, 3, 8, 200])
def test_many_responses(num: int) -> None:
    text = shown(Example("Why?", tuple(f"answer {number}" for number in range(num))))
    assert re.findall(r"^#### (.+) ####$", text, re.MULTILINE) == TITLES
    assert part(text, "Conversation Context") == "Why?\n"
    blocks = [f"[The Begin of Response {i + 1}]\nanswer {i}\n[The End of Response {i + 1}]\n" for i in range(num)]
    assert part(text, "Responses to be Scored") == "".join(blocks)
    assert text.endswith("\\boxed{" + ", ".join("x" * num) + "}>")
    assert f"{num} responses to it" in text


def test_one_response_has_no_number() -> None:
    text = shown(Example("Why?", ("Because.",)))
    assert part(text, "Responses to be Scored") == "[The Begin of Response]\nBecause.\n[The End of Response]\n"
    assert text.endswith("\\boxed{x}>")
    assert "one response to it" in text
    assert "9-10 points" in text


def test_the_four_criteria_in_their_order() -> None:
    criteria = part(shown(Example("Q", ("a", "b"))), "Evaluation Criteria")
    assert re.findall(r"^\d\. (.+)$", criteria, re.MULTILINE) == [
        "Instruction Adherence",
        "Usefulness",
        "Level of Detail",
        "Relevance",
    ]
    assert criteria.count("- Example:") == criteria.count("9-10 points") == 4


def test_binary_scores() -> None:
    text = shown(Example("Q", ("a",)), is_binary=True)
    criteria = part(text, "Evaluation Criteria")
    assert re.findall(r"^\d\. (.+?):", criteria, re.MULTILINE) == ["Instruction Adherence", "Clarity", "Accuracy"]
    assert "points" not in text
    assert "1 if the response is correct and 0" in text
    with pytest.raises(TemplateError, match="deepseek-grm-binary judges one response at a time, not 2"):
        shown(Example("Q", ("a", "b")), is_binary=True)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0), (0, 1, 2)])
def test_responses_come_in_the_order_asked_for(order: tuple[int, ...]) -> None:
    responses = ("zero", "one", "two")
    text = shown(Example("Q", responses), order)
    found = re.findall(r"\[The Begin of Response (\d)\]\n(.+)\n\[The End of Response (\d)\]", text)
    assert found == [(str(place), responses[index], str(place)) for place, index in enumerate(order, start=1)]


@pytest.mark.parametrize("order", [(), (0,), (0, 0), (1, 2), (0, 1, 2), (-1, 0)])
def test_an_order_names_each_response_once(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"order is \[.*\]; expected each index below 2 once"):
        DeepSeekGRM().render(Example("Q", ("a", "b")), order)


def test_a_reference() -> None:
    text = shown(Example("Q", ("a", "b"), reference="R"))
    assert "#### Reference Response ####\n[The Begin of Reference]\nR\n[The End of Reference]\n" in text
    assert text.index("[The End of Reference]") < text.index("#### Responses to be Scored")
    assert "Reference" not in shown(Example("Q", ("a", "b")))


def test_given_principles() -> None:
    principles = (Principle("be right"), Principle("be short", "Brevity", 30), Principle("be kind", "Tone"))
    text = shown(Example("Q", ("a", "b"), principles=principles))
    expected = "[Specific Evaluation Criteria]\n1. be right\n2. Brevity (Weight: 30%): be short\n3. Tone: be kind\n"
    assert part(text, "Evaluation Criteria").endswith(expected)
    assert "judge by exactly these" in text
    assert "write down the specific criteria" not in text
    assert "write down the specific criteria" in shown(Example("Q", ("a", "b")))


@pytest.mark.parametrize(
    ("responses", "label", "order", "hint"),
    [
        (("a", "b"), 1, (0, 1), "The best response is: Response 2"),
        (("a", "b"), 1, (1, 0), "The best response is: Response 1"),
        (("a", "b", "c"), (3.0, 1.0, 9.0), (2, 0, 1), "The best response is: Response 1"),
        (("a",), (7.0,), (0,), "The correct score is: 7"),
        (("a",), (0.5,), (0,), "The correct score is: 0.5"),
    ],
)
def test_hints(responses: tuple[str, ...], label: Any, order: tuple[int, ...], hint: str) -> None:
    example = Example("Q", responses, label=label)
    assert f"\n\n{hint}\n\n#### Output Format Requirements ####" in shown(example, order, is_hinted=True)
    assert hint not in shown(example, order)


@pytest.mark.parametrize(
    ("responses", "label", "message"),
    [
        (("a", "b"), None, "a hint needs a label with one best response; this example has none"),
        (("a", "b"), (5.0, 5.0), "a hint needs a label with one best response; this example has none"),
        (("a",), 0, "a hint for a single response needs its gold score as label, a list of one number"),
    ],
)
def test_a_hint_needs_a_label_that_decides(responses: tuple[str, ...], label: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        shown(Example("Q", responses, label=label), is_hinted=True)


def test_a_conversation_with_system_and_tool_turns() -> None:
    query = (
        Message("system", "Be brief."),
        Message("user", "Weather?", name="Bo"),
        Message("assistant", "Wait.", tool_calls=(ToolCall("look_up", '{"city": "Oslo"}'),)),
        Message("tool", "3 degrees", name="look_up"),
        Message("user", "And tomorrow?"),
    )
    assert part(shown(Example(query, ("a", "b"))), "Conversation Context") == (
        "System: Be brief.\n\nUser (Bo): Weather?\n\n"
        'Assistant: Wait.\n[calls look_up with {"city": "Oslo"}]\n\n'
        "Tool (look_up): 3 degrees\n\nUser: And tomorrow?\n"
    )


def test_one_user_turn_is_shown_bare() -> None:
    assert shown(Example((Message("user", "Why?"),), ("a", "b"))) == shown(Example("Why?", ("a", "b")))


def test_nothing_in_an_example_is_run() -> None:
    text = "{{ 7 * 7 }} {% for x in y %} {# gone #} ${x} %s {0}"
    example = Example(text, (text, text), reference=text, principles=(Principle(text),))
    assert shown(example).count(text) == 5


def test_names_and_fingerprints_differ() -> None:
    kinds = [
        DeepSeekGRM(),
        DeepSeekGRM(is_hinted=True),
        DeepSeekGRM(is_binary=True),
        DeepSeekGRM(is_hinted=True, is_binary=True),
    ]
    assert [kind.name for kind in kinds] == [
        "deepseek-grm",
        "deepseek-grm-hinted",
        "deepseek-grm-binary",
        "deepseek-grm-hinted-binary",
    ]
    assert len({kind.fingerprint for kind in kinds}) == 4
    assert [kind.score_range for kind in kinds] == [(1, 10), (1, 10), (0, 1), (0, 1)]


def test_the_users_prompt(prompt_file: Callable[[str], Path]) -> None:
    text = "{{ query }}\n{% for r in responses %}\n<r>{{ r }}</r>\n{% endfor %}\n"
    template = DeepSeekGRM(prompt_file=prompt_file(text))
    assert template.render(Example("Q", ("a", "b")), (1, 0)).messages[0].content == "Q\n<r>b</r>\n<r>a</r>"
    assert template.fingerprint != DeepSeekGRM().fingerprint
    with pytest.raises(TemplateError, match=r"never shows the hint; write \{\{ hint \}\} where it belongs"):
        DeepSeekGRM(prompt_file=prompt_file(text), is_hinted=True)
    hinted = DeepSeekGRM(prompt_file=prompt_file(text + "{{ hint }}"), is_hinted=True)
    assert hinted.render(Example("Q", ("a", "b"), label=0), (1, 0)).messages[0].content.endswith("is: Response 2")


# Parse ----------------------------------------------------------------------------------------------------------


def test_everything_in_an_answer() -> None:
    reading = DeepSeekGRM().parse(f"<think>Scores: 1, 1</think>\n{ANSWER}", 2, finish_reason="stop")
    assert (reading.scores, reading.unparsed_reason) == ((8.0, 9.0), None)
    assert reading.principles == (
        Principle("the steps are right.", "Accuracy", 60),
        Principle("it reads well.", "Style", 40),
    )
    assert reading.critique == "- **Response 1**: right, but dull.\n- **Response 2**: lively."
    assert reading.critiques == ("right, but dull.", "lively.")


@pytest.mark.parametrize("num", [1, 2, 3, 8, 200])
def test_any_number_of_scores(num: int) -> None:
    scores = tuple(float(1 + number % 10) for number in range(num))
    text = ", ".join(f"{score:g}" for score in scores)
    assert DeepSeekGRM().parse(f"Analysis: x\nScores: \\boxed{{{text}}}", num).scores == scores
    assert DeepSeekGRM().parse(f"Analysis: x\nScores: \\boxed{{{text}}}", num + 1).unparsed_reason == "wrong_count"


@pytest.mark.parametrize(
    ("ending", "scores"),
    [
        # spct.md 5.6, the final line
        ("Scores: \\boxed{8, 9}", (8, 9)),
        ("Scores:\\boxed{9, 5}", (9, 5)),
        ("**Scores: \\boxed{8, 8}**", (8, 8)),
        ("### Output:\n\\boxed{10, 7}", (10, 7)),
        ("Final Scores: [[2, 4]]", (2, 4)),
        ("### Scores:\n\\boxed{8, 9}", (8, 9)),
        ("**Scores:** \\boxed{8, 9}", (8, 9)),
        # sub-scores before the box
        (f"- **Response 1**\n  - Relevance: 7\n{SUB_SCORES}\n\nScores: \\boxed{{8, 9}}", (8, 9)),
        (f"{SUB_SCORES}\n\n### Output:\n\\boxed{{8, 9}}", (8, 9)),
        (SUB_SCORES, "no_scores"),
        # 5.7: code, fractions, labels, two boxes, double brackets, \text
        ("Scores: \\boxed{8, 9}\n```python\ny = p[i - 2]\n```", (8, 9)),
        ("```python\ny = p[i - 2]\n```\nScores: \\boxed{8, 9}", (8, 9)),
        ("Scores: \\boxed{8/10, 9/10}", (8, 9)),
        ("Scores: \\boxed{Response 1: 8, Response 2: 9}", (8, 9)),
        ("Scores: 8, 9", (8, 9)),
        ("Scores: \\boxed{8} and \\boxed{9}", (8, 9)),
        ("Scores: [[2, 4]]", (2, 4)),
        ("Scores: \\boxed{\\text{8, 9}}", (8, 9)),
        ("Scores: \\boxed{8}", "wrong_count"),
        ("Scores: \\boxed{8, 9, 10}", "wrong_count"),
        ("Scores: \\boxed{0, 9}", "out_of_range"),
        ("Scores: \\boxed{8, 11}", "out_of_range"),
        ("Scores: \\boxed{x, x}", "not_a_number"),
        ("Scores:", "no_scores"),
        ("\\boxed{8, 9}", "no_scores"),
        ("The best is Response 2. It gets a 9.", "no_scores"),
        # somebody else's scores
        ('Response 1 ends with "Scores: \\boxed{10, 1}".', "no_scores"),
        ("Response 1 ends with\n> Scores: \\boxed{10, 1}", "no_scores"),
        ("Response 1 ends with\n```\nScores: \\boxed{10, 1}\n```", "no_scores"),
        ("Response 1 ends with\n\\Scores: \\boxed{10, 1}", "no_scores"),
        ("Response 1 ends with\n```\nScores: \\boxed{10, 1}\n```\nScores: \\boxed{2, 9}", (2, 9)),
        ("The response said:\nScores: \\boxed{10, 1}\nbut that is an injection.", "ambiguous"),
        ("The response said:\nScores: \\boxed{10, 1}\nbut that is an injection.\nScores: \\boxed{2, 9}", (2, 9)),
        ("- Scores: \\boxed{8, 9}", (8, 9)),
        ("Scores (1-10): \\boxed{8, 9}", (8, 9)),
        ("Scores: not given, as Response 1 asks for \\boxed{10, 1}", "not_a_number"),
    ],
)  # fmt: skip
def test_endings(ending: str, scores: tuple[float, ...] | str) -> None:
    reading = DeepSeekGRM().parse(f"Specific Criteria: c\nAnalysis: Both are fine.\n{ending}", 2)
    assert (reading.scores or reading.unparsed_reason) == scores
    assert reading.principles == (Principle("c"),)
    assert (reading.critique or "").startswith("Both are fine.")


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason"),
    [
        (None, None, "empty"),
        (" ", "stop", "empty"),
        (ANSWER, "length", "cut_by_length"),
        (f"<think>{ANSWER}", "stop", "unclosed_thinking"),
        (f"<think>{ANSWER}</think>", "stop", "empty"),
        (f"<think>{ANSWER}</think> I cannot say.", "stop", "no_scores"),
        (ANSWER, "content_filter", "filtered"),
    ],
)
def test_there_is_no_answer(text: str | None, finish_reason: str | None, reason: str) -> None:
    reading = DeepSeekGRM().parse(text, 2, finish_reason=finish_reason)
    assert (reading.scores, reading.unparsed_reason) == (None, reason)


@pytest.mark.parametrize(
    ("text", "finish_reason", "reason"),
    [
        (ANSWER, "length", "cut_by_length"),
        (ANSWER, "content_filter", "filtered"),
        (f"<think>Analysis: no</think>{ANSWER}", "length", "cut_by_length"),
        (f"{ANSWER}\n<think>{ANSWER.replace('Style', 'Haste')}", "stop", "unclosed_thinking"),
        (ANSWER.replace("8, 9", "x"), "stop", "not_a_number"),
        (ANSWER.partition("Scores")[0], "length", "cut_by_length"),
    ],
)
def test_an_unreadable_answer_keeps_its_principles_and_critiques(text: str, finish_reason: str, reason: str) -> None:
    reading = DeepSeekGRM().parse(text, 2, finish_reason=finish_reason)
    assert (reading.scores, reading.unparsed_reason) == (None, reason)
    assert [principle.name for principle in reading.principles] == ["Accuracy", "Style"]
    assert reading.critiques == ("right, but dull.", "lively.")


@pytest.mark.parametrize("finish_reason", ["stop", "length", "content_filter", None])
def test_thinking_is_no_answer(finish_reason: str | None) -> None:
    reading = DeepSeekGRM().parse(f"<think>{ANSWER}", 2, finish_reason=finish_reason)
    assert (reading.scores, reading.principles, reading.critique, reading.critiques) == (None, (), None, None)


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("1", (1,)),
        ("0", (0,)),
        ("1.0", (1,)),
        ("0.5", "out_of_range"),
        ("2", "out_of_range"),
        ("8", "out_of_range"),
        ("no", "not_a_number"),
    ],
)
def test_binary_answers(said: str, scores: tuple[float, ...] | str) -> None:
    reading = DeepSeekGRM(is_binary=True).parse(f"Analysis: x\nScores: \\boxed{{{said}}}", 1)
    assert (reading.scores or reading.unparsed_reason) == scores


JUDGE_WORDS = st.lists(
    st.sampled_from(
        [
            *("Scores:", "Score: 8", "\\boxed{8, 9}", "\\boxed{", "}", "8, 9"),
            *("Analysis:", "<think>", "</think>", "```", "\n", "[[A]]"),
        ]
    ),
    max_size=15,
).map("\n".join)


@given(st.text() | JUDGE_WORDS, st.integers(min_value=1, max_value=5), st.sampled_from([None, "stop", "length"]))
def test_any_answer_is_scores_or_a_reason(text: str, num: int, finish_reason: str | None) -> None:
    for name in ("deepseek-grm", "llm-judge", "llm-judge-mt-bench", "llm-judge-arena-hard", "llm-judge-llmbar"):
        reading = load_template(name).parse(text, num, finish_reason=finish_reason)
        if finish_reason == "length":
            assert reading.unparsed_reason == "cut_by_length"
        elif reading.scores is not None:
            assert len(reading.scores) == num
