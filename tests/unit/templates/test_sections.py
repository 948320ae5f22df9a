import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.templates.sections import find_best, read_critiques, read_principles, split_sections
from grmkit.types import Principle

PLAIN = """Specific Criteria:
1. Accuracy (Weight: 100%): right.
Analysis:
- **Response 1**: good.
Scores: \\boxed{8}"""


def scores(text: str) -> str | None:
    return split_sections(text).scores


@pytest.mark.parametrize(
    "style",
    [
        "{}:",
        "**{}:**",
        "**{}**:",
        "### {}:",
        "## {}",
        "__{}__:",
        "{} :",
        "*{}*:",
        "{}：",
        "#### **{}** ####:",
        "### {}:\n",
    ],
)
def test_headings_drift(style: str) -> None:
    titles = [style.replace("####:", ":").format(title) for title in ("Specific Criteria", "Analysis", "Scores")]
    sections = split_sections(f"{titles[0]}\nc\n{titles[1]}\na\n{titles[2]}\n8, 9")
    assert (sections.criteria, sections.analysis) == ("c", "a")
    assert (sections.scores or "").strip(" \n*_") == "8, 9"


def test_all_parts() -> None:
    sections = split_sections(PLAIN)
    assert sections.criteria == "1. Accuracy (Weight: 100%): right."
    assert sections.analysis == "- **Response 1**: good."
    assert sections.scores == "\\boxed{8}"


@pytest.mark.parametrize(
    ("text", "criteria", "analysis"),
    [
        ("### Output\n" + PLAIN, "1. Accuracy (Weight: 100%): right.", "- **Response 1**: good."),
        ("Scores: 8", None, None),
        ("Analysis: a\nScores: 8", None, "a"),
        ("Specific Criteria: c\nScores: 8", "c", None),
        ("Analysis: a\nSpecific Criteria: c\nScores: 8", "c", "a\nSpecific Criteria: c"),
        ("Specific Criteria:\nAnalysis:\nScores: 8", None, None),
        ("Specific Criteria: c\nAnalysis: a", "c", "a"),
        ("Analysis of this:\nb", None, None),
    ],
)
def test_parts_may_be_missing(text: str, criteria: str | None, analysis: str | None) -> None:
    sections = split_sections(text)
    assert (sections.criteria, sections.analysis) == (criteria, analysis)


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("Scores: 8, 9", "8, 9"),
        ("Final Scores: [[2, 4]]", "[[2, 4]]"),
        ("final overall scores: 8", "8"),
        ("**Scores: \\boxed{8, 8}**", "\\boxed{8, 8}**"),
        ("Scores:\\boxed{9, 5}", "\\boxed{9, 5}"),
        ("### Scores\n8, 9", "\n8, 9"),
        ("### Output:\n\\boxed{10, 7}", "\\boxed{10, 7}"),
        ("Output\n\n$\\boxed{10, 7}$", "\n$\\boxed{10, 7}$"),
        # the last of those that are final
        ("Scores: 1, 2\nScores: 8, 9", "8, 9"),
        ("Scores: 8, 9\nOverall Score: 17", "8, 9\nOverall Score: 17"),
        ("**Overall Score**: 8\n**Overall Score**: 9\n### Output:\n\\boxed{8, 9}", "\\boxed{8, 9}"),
        ("Score: 3\nScore: 4\nFinal Score: 8", "8"),
        ("Score: 3\nScore: 4\nOverall Score: 8", "8"),
        ("Score: 8", "8"),
        ("- Scores: \\boxed{8, 9}", "\\boxed{8, 9}"),
        ("• **Final Score:** 8", "8"),
        ("- **Overall Score**: 8\nOverall Score: 9", "9"),
        ("Scores (1-10): \\boxed{8, 9}", "\\boxed{8, 9}"),
        ("**Scores** (out of 10): 8", "8"),
        ("### Final Scores (Response 1, Response 2):\n8, 9", "\n8, 9"),
        # a code block after the scores is part of what follows
        ("Scores: 8\n```\nScores: 1\n```", "8\n```\nScores: 1\n```"),
        ("Scores:\n```\n8, 9\n```", "\n```\n8, 9\n```"),
    ],
)
def test_the_final_heading(text: str, tail: str) -> None:
    assert scores(f"Analysis: so.\n{text}") == tail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8, 9",
        "\\boxed{8, 9}",
        "The scores: 8, 9",
        "Scores are 8, 9",
        "Response 1 says Scores: \\boxed{10, 1}",
        '"Scores: \\boxed{10, 1}"',
        "`Scores: \\boxed{10, 1}`",
        "\\Scores: \\boxed{10, 1}",
        "> Scores: \\boxed{10, 1}",
        "Output: \\boxed{8, 9}",
        "Output:\nSo \\boxed{8, 9}",
        "Score: 7\nScore: 8",
        "- Score: 8",
        "Scores (8, 9)",
        "Overall Score: 7\n**Overall Score**: 8",
        "```\nScores: \\boxed{10, 1}\n```\nis what it says.",
        "It says\n```text\nScores: 10\n```",
        "It says\n~~~\nScores: 10\n```\n~~~\nso.",
        "It says\n````\n```\nScores: 10\n```\n````",
        "It says\n```\nScores: 10",
        "- item\n  ```\n  Scores: 10\n  ```\n",
    ],
)
def test_there_is_no_final_heading(text: str) -> None:
    assert scores(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{PLAIN}\n```",
        f"```markdown\n{PLAIN}\n```\n",
        f"\n~~~\n{PLAIN}\n~~~~",
        "```python\nx\n```\n" + PLAIN,
        "```inline``` code\n" + PLAIN,
    ],
)
def test_a_judge_may_use_code_blocks(text: str) -> None:
    sections = split_sections(text)
    assert (sections.analysis, (sections.scores or "").strip()) == ("- **Response 1**: good.", "\\boxed{8}")


def test_code_blocks_are_kept_in_the_critique() -> None:
    assert split_sections("Analysis:\n```\nScores: 1\n```\nx\nScores: 8").analysis == "```\nScores: 1\n```\nx"


def test_the_best_response() -> None:
    sections = split_sections("Analysis: a\nBest Response: 1\n**Best Response:** \\boxed{2}", find_best)
    assert (sections.analysis, sections.scores) == ("a\nBest Response: 1", "\\boxed{2}")
    assert split_sections("The best response: 1", find_best).scores is None
    assert split_sections("Best responses: 1", find_best).scores is None


@pytest.mark.parametrize(
    ("line", "name", "weight", "text"),
    [
        ("1. **Name** (Weight: 30%): text", "Name", 30, "text"),
        ("1. **Name (Weight: 40%)**: text", "Name", 40, "text"),
        ("- Name (Weight: 30%): text", "Name", 30, "text"),
        ("- Name (Weight: 30%):\n  - text", "Name", 30, "text"),
        ("2) Name (30%) text", "Name", 30, "text"),
        ("Name (weight 12.5 %): text", "Name", 12.5, "text"),
        ("* **Name** (Weighting=30%): text", "Name", 30, "text"),
        ("- Name (30% weight): text", "Name", 30, "text"),
        ("1. **Use (and style)** (Weight: 30%): text", "Use (and style)", 30, "text"),
        ("1. **Name**: text", "Name", None, "text"),
        ("1. Name: text", "Name", None, "text"),
        ("- **Name:** text", "Name", None, "text"),
        ("1. text", None, None, "text"),
        ("- text", None, None, "text"),
        ("text", None, None, "text"),
        ("1. Name (Weight: 1000%): text", "Name (Weight", None, "1000%): text"),
    ],
)
def test_principles(line: str, name: str | None, weight: float | None, text: str) -> None:
    assert read_principles(line) == (Principle(text, name, weight),)


def test_several_principles() -> None:
    criteria = "1. **A** (Weight: 60%): first\n   - more\n2. **B** (Weight: 40%): second"
    assert read_principles(criteria) == (Principle("first\nmore", "A", 60), Principle("second", "B", 40))
    assert read_principles("1. A: x\n2. y") == (Principle("x", "A"), Principle("y"))
    assert read_principles(None) == read_principles("") == ()


@pytest.mark.parametrize(
    ("analysis", "critiques"),
    [
        ("- **Response 1**: good.\n- **Response 2**: bad.", ("good.", "bad.")),
        ("**Response 1:** good.\n\n**Response 2:** bad.", ("good.", "bad.")),
        ("### Response 1\n- good\n- short\n### Response 2\nbad", ("good\nshort", "bad")),
        ("1. Response 2: bad\n2. Response 1: good", ("good", "bad")),
        (
            "Fit:\n- Response 1: a\n- Response 2: b\nDetail:\n- Response 1: c\n- Response 2: d",
            ("a\nc", "b\nDetail:\nd"),
        ),
        ("Response 1: good", ("good", None)),
        ("Response #1： good", ("good", None)),
        ("Response 1 is better than Response 2: it is right.", None),
        ("Response 3: who?", None),
        ("Response 0: who?", None),
        ("Response 99999: who?", None),
        ("Both are good.", None),
        ("", None),
        (None, None),
    ],
)
def test_critiques(analysis: str | None, critiques: tuple[str | None, ...] | None) -> None:
    assert read_critiques(analysis, 2) == critiques


LINES = st.lists(
    st.sampled_from(
        [
            *("Scores:", "**Overall Score**: 8", "Analysis:", "Specific Criteria:", "Output:", "Best Response: 1"),
            *("```", "~~~~", "\\boxed{8}", "x", "", "  ", "> Scores: 1"),
            *("- Response 1:", "1. **A** (Weight: 30%): b", "٣. x", "Response ٣: x"),
        ]
    ),
    max_size=12,
).map("\n".join)


@given(LINES | st.text())
def test_any_text_is_taken_apart(text: str) -> None:
    for find in ((), (find_best,)):
        sections = split_sections(text, *find)
        assert all(part is None or part in text for part in (sections.criteria, sections.analysis, sections.scores))
        assert all(principle.text in text or "\n" in principle.text for principle in read_principles(sections.criteria))
        read_critiques(sections.analysis, 2)
