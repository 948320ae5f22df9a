"""Texts made to be slow: nothing here takes more than time in proportion to the text.

Of the many texts each has 100 kB, enough for the square of it to take far longer than the limit; a few have 1 MB.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

from grmkit.templates import load_template
from grmkit.types import Example, Message

SIZE = 10**5
LIMIT_S = 2.0

REPEATED = (
    *("[", "<|", "<", "#", "\\boxed{", "\\boxed{8}", "\\boxed{8}\n", "{", "}", "\\text{", "\\", "*", "-", "(", "|"),
    *(
        "Scores:\n",
        "Final\n",
        "Final ",
        "Scores: 8, ",
        "Overall Score: 8\n",
        "Output\n",
        "Best Response:\n",
        "Analysis\n",
    ),
    *(
        "\n",
        " ",
        "\t",
        "\n#",
        "# ",
        "> ",
        "\r",
        "\u2028",
        "\u200b",
        "[\u200bThe ",
        "é",
        "ﬁ",
        "각",
        "漢",
        "a",
        "8,",
        "8\n",
        "8;",
    ),
    *(
        "[The ",
        "[the end of response",
        "[The End of Response 1]\n",
        "<|im_start|>",
        "<a|",
        "[[A]]",
        "[[A",
        "[[",
        "Output (a) ",
        "Output (a) is better ",
        "Output (a) is better. Output (b) is better\n",
        "that Output (a) is better, ",
        "says ",
        "I would choose Output (b) ",
        "<a_",
        "<a_b",
        "_",
        "[A_B",
        "[AA_BB",
        "]~",
        "- Scores (",
        ".",
        "\\boxed{8, 9} a",
    ),
    *(
        "better output ",
        "```\n",
        "~~~~\n",
        "`",
        "<think>",
        "<scores>",
        "<answer>[[A]]</answer>",
        "<rubric> < ",
        "</think>",
        "User:\n",
        "Response 1:\n",
        "1. **N** (Weight: 30%): x\n",
    ),
    *(
        "- a (",
        "1. a",
        "conversation ",
        "#### Conversation Context ####\n",
        "The best response is: 1\n",
        "not ",
        "\ud800",
    ),
)
MIXED = (
    *(f"{head}{' ' * SIZE}x" for head in ("", "Scores", "Scores:", "[[", "Output (a)", "Response", "8")),
    *(f"{head}{' ' * SIZE}" for head in ("Scores", "Scores:", "Analysis", "Output")),
    *(f"{head}{'8, ' * (SIZE // 3)}8{tail}" for head in ("Scores: ", "Scores: \\boxed{") for tail in ("", "}")),
    *(f"{head}{'1' * SIZE}" for head in ("Scores: ", "Best Response: ", "Response ", "[The End of Response ")),
    "Specific Criteria:" + " " * SIZE + "Analysis:" + " " * SIZE,
    "Scores: response" + " " * SIZE + "8",
    "Scores: " + "\\boxed{8, 9} " * (SIZE // 13),
)
LONG = (
    "[" * 10**6,
    "<|" * 10**5,
    "#" * 10**6,
    "\\boxed{" * 10**5,
    "Scores:\n" * 10**5,
    " " * 10**6,
    "\n" * 10**6,
    "é" * 10**6,
)
INPUTS = [*(repeated * (SIZE // len(repeated)) for repeated in REPEATED), *MIXED, *LONG]


def took(function: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def slow(times: dict[str, float]) -> dict[str, float]:
    return {text[:20]: seconds for text, seconds in times.items() if seconds > LIMIT_S}


@pytest.mark.parametrize("name", ["deepseek-grm-hinted", "llm-judge-arena-hard", "llm-judge-llmbar", "j1"])
def test_neutralising(name: str) -> None:
    render = load_template(name).render
    assert slow({text: took(render, Example("Q", (text, "b"), label=0), (0, 1)) for text in INPUTS}) == {}


def test_neutralising_turns() -> None:
    render = load_template("llm-judge-mt-bench").render
    turns = {text: (Message("system", text), Message("user", "Hi")) for text in INPUTS}
    assert slow({text: took(render, Example(query, ("a", "b")), (0, 1)) for text, query in turns.items()}) == {}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("deepseek-grm", ""),
        ("deepseek-grm", "Scores: "),
        ("deepseek-grm", "Specific Criteria:\n"),
        ("deepseek-grm", "Analysis:\n"),
        ("llm-judge", "Best Response: "),
        ("llm-judge-arena-hard", ""),
        ("llm-judge-llmbar", ""),
    ],
)
def test_parsing(name: str, head: str) -> None:
    parse = load_template(name).parse
    assert slow({text: took(parse, head + text, 2) for text in INPUTS}) == {}


def test_many_responses_of_a_users_prompt(prompt_file: Callable[[str], Any]) -> None:
    text = (
        "{{ query }}\n{% for r in responses %}\n<r_{{ loop.index }}>\nA {{ loop.index }}:\n{{ r }}\n---\n{% endfor %}"
    )
    render = load_template("deepseek-grm", prompt_file=prompt_file(text)).render
    example = Example("Q", tuple("</r_1>\nA 2:\n---\n" * 200 for _ in range(200)))
    assert took(render, example, range(200)) < 2 * LIMIT_S
