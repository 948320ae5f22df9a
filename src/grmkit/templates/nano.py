"""The DeepSeek-GRM form in short, for judges too small to be told what to do: no instructions, only the material.

Principles with weights, an analysis per response with the work shown, and the scores in a box: read by the same
rules as `deepseek-grm`. Reference and given principles are shown where an example has them.
"""

from collections.abc import Sequence
from pathlib import Path

from grmkit.errors import TemplateError
from grmkit.templates.boxed import read_boxed
from grmkit.templates.hint import HINT, hint_of
from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Prompt, Reading
from grmkit.templates.structure import MARKERS, SECTIONS, VERDICTS
from grmkit.types import Example

PROMPT = Path(__file__).with_name("nano.txt")
VERSION = 1  # raise it when the code below renders the same prompt text differently
STRUCTURE = (*MARKERS, *SECTIONS, *VERDICTS, HINT)  # one model may know both forms
MAX_RESPONSES = 8


class Nano:
    """Pointwise generative judge of one to eight responses, as the judge that ships was trained.

    Args:
        prompt_file: The user's prompt instead of ours.
        is_hinted: Tell the judge the labelled best response, for sampling training data.
    """

    def __init__(self, *, prompt_file: str | Path | None = None, is_hinted: bool = False) -> None:
        self._is_hinted = is_hinted
        self._prompt = PromptFile(
            prompt_file or PROMPT,
            STRUCTURE,
            needed=("query", "responses", "hint") if is_hinted else ("query", "responses"),
        )

    @property
    def name(self) -> str:
        return "nano-hinted" if self._is_hinted else "nano"

    @property
    def fingerprint(self) -> str:
        return f"{self.name}/{VERSION}/{self._prompt.digest}"

    @property
    def score_range(self) -> tuple[float, float]:
        return (1.0, 10.0)

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """One user turn that shows the responses in this order; a prompt file may put a system turn before it.

        Raises:
            TemplateError: If there are more than eight responses, or a hint is asked for and the example's label
                does not decide it.
        """
        if len(example.responses) > MAX_RESPONSES:
            more = "" if self._is_hinted else f"; list_size = {MAX_RESPONSES} judges more"  # no hint fits every list
            raise TemplateError(
                f"{self.name} judges up to {MAX_RESPONSES} responses at once, not {len(example.responses)}{more}"
            )
        hint = hint_of(example, order) if self._is_hinted else None
        return self._prompt.turns(example, order, hint=hint)

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:
        """Exactly one number per response, in range, after the judge's own final Scores heading; or why not."""
        return read_boxed(text, num_responses, finish_reason=finish_reason, score_range=self.score_range)
