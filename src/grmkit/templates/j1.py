"""Two responses scored from 1 to 10 between tags, as the open judges j1-micro and j1-nano write them.

They were trained as a variant of SPCT (arXiv 2504.02495) on pairs alone. The tags, the markers and the box are theirs;
the wording is ours, so no parity with them is claimed: give them their own prompt with `prompt_file`.
"""

from collections.abc import Sequence
from pathlib import Path

from grmkit.errors import TemplateError
from grmkit.templates.answer import final_answer
from grmkit.templates.numbers import read_numbers
from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Prompt, Reading
from grmkit.templates.sections import read_critiques, read_principles
from grmkit.templates.structure import MARKERS
from grmkit.templates.tags import imitations, last_verdict, split_tags
from grmkit.types import Example

PROMPT = Path(__file__).with_name("j1.txt")
VERSION = 1  # raise it when the code below renders the same prompt text differently

STRUCTURE = (*MARKERS, imitations("specific_criteria", "analysis", "scores"))


class J1:
    """Judge of pairs that gives each response a score.

    Args:
        prompt_file: The user's prompt instead of ours.
    """

    name = "j1"
    score_range = (1.0, 10.0)

    def __init__(self, *, prompt_file: str | Path | None = None) -> None:
        self._prompt = PromptFile(prompt_file or PROMPT, STRUCTURE)

    @property
    def fingerprint(self) -> str:
        return f"{self.name}/{VERSION}/{self._prompt.digest}"

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """One user turn that shows the responses in this order; a prompt file may put a system turn before it.

        Raises:
            TemplateError: If the example has not two responses.
        """
        if len(example.responses) != 2:
            raise TemplateError(f"{self.name} scores two responses, not {len(example.responses)}")
        return self._prompt.turns(example, order)

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:
        """One number per response from the element `scores` that ends the answer; or why not."""
        answer, reason = final_answer(text, finish_reason)

        def read(inside: str) -> tuple[float, ...] | str:
            return read_numbers(inside, num_responses, self.score_range)

        numbers = reason or last_verdict(answer, "scores", read) or "no_scores"
        is_read = not isinstance(numbers, str)
        sections = split_tags(answer, criteria="specific_criteria", analysis="analysis")
        return Reading(
            numbers if is_read else None,
            None if is_read else numbers,
            read_principles(sections.criteria),
            sections.analysis,
            read_critiques(sections.analysis, num_responses),
        )
