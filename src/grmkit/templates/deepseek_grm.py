"""The DeepSeek-GRM format: principles with weights, analysis, and one score per response in a box.

The section titles, markers and the order of the parts are those of arXiv 2504.02495, Appendix G; the wording is
ours, so no parity with the published checkpoints is claimed: give a checkpoint its own card's prompt with
`prompt_file`. The whole text is one user turn; there is no system turn.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grmkit.errors import TemplateError
from grmkit.templates.boxed import read_boxed
from grmkit.templates.hint import HINT, HINT_VERSION, hint_of
from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Prompt, Reading
from grmkit.templates.structure import MARKERS, SECTIONS, VERDICTS
from grmkit.types import Example

PROMPT = Path(__file__).with_name("deepseek_grm.txt")
VERSION = 2  # raise it when the code below renders the same prompt text differently

STRUCTURE = (*MARKERS, *SECTIONS, *VERDICTS)


class DeepSeekGRM:
    """Pointwise generative judge of one, two or many responses in one prompt.

    Args:
        prompt_file: The user's prompt instead of ours.
        is_hinted: Tell the judge the labelled best response, for sampling training data (section 3.2).
        is_binary: Ask for 0 or 1 instead of 1 to 10: the paper's training format for single responses.
    """

    def __init__(
        self, *, prompt_file: str | Path | None = None, is_hinted: bool = False, is_binary: bool = False
    ) -> None:
        self._is_hinted = is_hinted
        self._is_binary = is_binary
        self._prompt = PromptFile(
            prompt_file or PROMPT,
            (*STRUCTURE, HINT) if is_hinted else STRUCTURE,
            {"is_binary": is_binary},
            ("query", "responses", "hint") if is_hinted else ("query", "responses"),
        )

    @property
    def name(self) -> str:
        return "deepseek-grm" + ("-hinted" if self._is_hinted else "") + ("-binary" if self._is_binary else "")

    @property
    def fingerprint(self) -> str:
        hinted = f"/{HINT_VERSION}" if self._is_hinted else ""
        return f"{self.name}/{VERSION}{hinted}/{self._prompt.digest}"

    @property
    def score_range(self) -> tuple[float, float]:
        return (0.0, 1.0) if self._is_binary else (1.0, 10.0)

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """One user turn that shows the responses in this order; a prompt file may put a system turn before it.

        Raises:
            TemplateError: If a hint is asked for and the example's label does not decide it.
        """
        if self._is_binary and len(example.responses) != 1:
            raise TemplateError(f"{self.name} judges one response at a time, not {len(example.responses)}")
        hint = hint_of(example, order) if self._is_hinted else None
        return self._prompt.turns(example, order, hint=hint)

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:
        """Exactly one number per response, in range, after the judge's own final Scores heading; or why not."""
        reading = read_boxed(text, num_responses, finish_reason=finish_reason, score_range=self.score_range)
        is_half = self._is_binary and any(score not in (0, 1) for score in reading.scores or ())
        return replace(reading, scores=None, unparsed_reason="out_of_range") if is_half else reading
