"""LLM-as-a-judge: which of the responses is better, in the answer styles of the benchmarks that made them known.

| style | verdict | from |
|---|---|---|
| boxed | `\\boxed{2}`, two responses or more, no ties | arXiv 2504.02495, Appendix G |
| mt-bench | `[[A]]`, `[[B]]`, `[[C]]` for a tie | MT-bench |
| arena-hard | `[[A>>B]]`, `[[A>B]]`, `[[A=B]]`, `[[B>A]]`, `[[B>>A]]` | Arena-Hard |
| llmbar | `Output (a)` or `Output (b)` | LLMBar |
| rm-r1 | `<answer>[[A]]</answer>` or `<answer>[[B]]</answer>`, no ties | RM-R1 (arXiv 2505.02387) |

A score is how much the judge prefers a response, from 0 to 1: the winner gets 1 (0.75 if only slightly better),
a tie 0.5 each. The prompts are in our own words.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from grmkit.errors import TemplateError
from grmkit.templates.answer import final_answer
from grmkit.templates.numbers import read_index
from grmkit.templates.output_label import read_output_label
from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Prompt, Reading
from grmkit.templates.sections import Sections, find_best, read_critiques, read_principles, split_sections
from grmkit.templates.structure import MARKERS, SECTIONS, VERDICTS
from grmkit.templates.tags import imitations, last_verdict, split_tags
from grmkit.types import Example

VERSION = 2  # raise it when the code below renders the same prompt text differently

Preference = tuple[float, ...] | str
"""One score per response in the order shown, or the reason why not."""

_FIVE_LABELS = {"A>>B": (1.0, 0.0), "A>B": (0.75, 0.25), "A=B": (0.5, 0.5), "B>A": (0.25, 0.75), "B>>A": (0.0, 1.0)}
_SAME_LABELS = {"B<<A": "A>>B", "B<A": "A>B", "B=A": "A=B", "A<B": "B>A", "A<<B": "B>>A"}
_THREE_LABELS = {"A": (1.0, 0.0), "B": (0.0, 1.0), "C": (0.5, 0.5)}
_RM_R1_WINDOW = 80  # RM-R1 is trained by what stands in the last 80 characters
_LABEL = re.compile(r"\[\[([^\[\]\n]{1,24})\]\]")


class LLMJudge:
    """Pairwise judge that names the better response and gives no scores of its own.

    Args:
        style: One of `boxed`, `mt-bench`, `arena-hard`, `llmbar`, `rm-r1`; only `boxed` takes more than two responses.
        prompt_file: The user's prompt instead of ours.

    Raises:
        ValueError: If there is no such style.
    """

    def __init__(self, style: str = "boxed", *, prompt_file: str | Path | None = None) -> None:
        if style not in _STYLES:
            raise ValueError(f"there is no answer style {style!r}; expected one of {', '.join(_STYLES)}")
        self._style = style
        self._read, self._split, headings = _STYLES[style]
        path = prompt_file or Path(__file__).with_name(f"llm_judge_{style.replace('-', '_')}.txt")
        self._prompt = PromptFile(path, headings)

    @property
    def name(self) -> str:
        return "llm-judge" if self._style == "boxed" else f"llm-judge-{self._style}"

    @property
    def fingerprint(self) -> str:
        return f"{self.name}/{VERSION}/{self._prompt.digest}"

    @property
    def score_range(self) -> tuple[float, float]:
        return (0.0, 1.0)

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """One user turn that shows the responses in this order; a prompt file may put a system turn before it.

        Raises:
            TemplateError: If the example has one response, or more than two and the style takes two.
        """
        num = len(example.responses)
        if num < 2 or (num > 2 and self._style != "boxed"):
            takes = "two or more responses" if self._style == "boxed" else "two responses"
            raise TemplateError(f"{self.name} compares {takes}, not {num}")
        return self._prompt.turns(example, order)

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:
        """The one verdict the answer holds, as scores from 0 to 1; or why there is none."""
        answer, reason = final_answer(text, finish_reason)
        preference = reason or self._read(answer, num_responses)
        is_read = not isinstance(preference, str)
        sections = self._split(answer)
        return Reading(
            preference if is_read else None,
            None if is_read else preference,
            read_principles(sections.criteria),
            sections.analysis or answer.strip() or None,
            read_critiques(sections.analysis, num_responses),
        )


def _read_three_labels(answer: str, num_responses: int) -> Preference:
    return _read_labels(_THREE_LABELS, answer, num_responses)


def _read_five_labels(answer: str, num_responses: int) -> Preference:
    return _read_labels(_FIVE_LABELS, answer, num_responses)


def _read_labels(labels: dict[str, tuple[float, float]], answer: str, num_responses: int) -> Preference:
    """All labels of the style that the answer holds have to say the same."""
    texts = ("".join(inside.split()) for inside in _LABEL.findall(answer))
    found = {label for text in texts if (label := _SAME_LABELS.get(text, text)) in labels}
    if len(found) > 1:
        return "ambiguous"
    if num_responses != 2:
        return "wrong_count"
    return labels[found.pop()] if found else "no_verdict"


def _read_output_label(answer: str, num_responses: int) -> Preference:
    if num_responses != 2:
        return "wrong_count"
    winner = read_output_label(answer)
    return {"a": (1.0, 0.0), "b": (0.0, 1.0)}.get(winner, winner)


def _read_boxed_index(answer: str, num_responses: int) -> Preference:
    tail = split_sections(answer, find_best).scores
    number = "no_verdict" if tail is None else read_index(tail, num_responses)
    if isinstance(number, str):
        return "no_verdict" if number == "no_scores" else number
    return tuple(float(position == number[0]) for position in range(1, num_responses + 1))


def _read_answer_tag(answer: str, num_responses: int) -> Preference:
    if num_responses != 2:
        return "wrong_count"

    def read(inside: str) -> Preference:
        return {"[[A]]": (1.0, 0.0), "[[B]]": (0.0, 1.0)}.get("".join(inside.split()), "no_verdict")

    return last_verdict(answer, "answer", read, window=_RM_R1_WINDOW) or "no_verdict"


def _split_headings(answer: str) -> Sections:
    return split_sections(answer, find_best)


def _split_rubric(answer: str) -> Sections:
    """RM-R1 says in its rubric why it chose it: that is no criterion."""
    return split_tags(answer.replace("<justify>", "</rubric>", 1), criteria="rubric", analysis="eval")


_TWO = r"\[\s*+\[\s*+%s\s*+\]\s*+\]"
_Style = tuple[Callable[[str, int], Preference], Callable[[str], Sections], tuple[re.Pattern[str], ...]]
_STYLES: dict[str, _Style] = {
    "boxed": (_read_boxed_index, _split_headings, (*MARKERS, *SECTIONS, *VERDICTS)),
    "mt-bench": (_read_three_labels, _split_headings, (*MARKERS, re.compile(_TWO % "[abc]"))),
    "arena-hard": (
        _read_five_labels,
        _split_headings,
        (*MARKERS, re.compile(_TWO % r"[ab]\s*+[<>=]\s*+[<>=]?+\s*+[ab]")),
    ),
    "llmbar": (
        _read_output_label,
        _split_headings,
        (re.compile(r"output \([ab]\)(?=[ *_`]*+:|[\s*_`]++(?:is|was)\s++(?:the\s++)?better)"),),
    ),
    "rm-r1": (
        _read_answer_tag,
        _split_rubric,
        (*MARKERS, re.compile(_TWO % "[ab]"), imitations("answer", "eval", "rubric")),
    ),
}
"""How a style's verdict is read, how the rest of its answer is taken apart, and what no response may imitate."""
