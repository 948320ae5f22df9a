"""What a meta RM reads: the responses as the judge saw them, then the judge's whole answer as the assistant turn.

Source: arXiv 2504.02495, Appendix G; no criteria block, scored by one scalar (the logit of "this judgment picks
the right response").
"""

import math
from collections.abc import Sequence
from pathlib import Path

from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Neutralised, Prompt, Reading
from grmkit.templates.structure import MARKERS, SECTIONS, SPECIAL_TOKENS, VERDICTS, neutralise
from grmkit.types import Example, Message

PROMPT = Path(__file__).with_name("meta_rm.txt")
VERSION = 2  # raise it when the code below renders the same prompt text differently


class MetaRMTemplate:
    """Renders a judgment for a meta RM and reads the scalar it answers."""

    name = "meta-rm"

    def __init__(self, *, prompt_file: str | Path | None = None) -> None:
        self._prompt = PromptFile(prompt_file or PROMPT, (*MARKERS, *SECTIONS, *VERDICTS))

    @property
    def fingerprint(self) -> str:
        return f"{self.name}/{VERSION}/{self._prompt.digest}"

    @property
    def prompt_text(self) -> str:
        """The user's turn before it is filled in: kept beside a model, it says what the model reads."""
        return self._prompt.text

    def render(self, example: Example, order: Sequence[int], judgment_text: str) -> Prompt:
        """User turn: conversation and responses in the order the judge saw them. Assistant turn: what it wrote."""
        asked = self._prompt.turns(example, order)
        answer, offsets = neutralise(judgment_text, (SPECIAL_TOKENS,))
        neutralised = (*asked.neutralised, Neutralised("judgment", offsets)) if offsets else asked.neutralised
        return Prompt((*asked.messages, Message("assistant", answer)), neutralised)

    def parse(self, logit: float | None) -> Reading:
        """The meta score: any finite number. A missing or non-finite one is no score."""
        if logit is None:
            return Reading(None, "empty")
        return Reading((float(logit),)) if math.isfinite(logit) else Reading(None, "not_a_number")
