"""Principles written from the query alone, before any response is seen.

Source: IP-GRM (arXiv 2602.10019): principles written in sight of a response drift towards it. The nano judge, too small
to be told what to do, gets its usual prompt without responses; what it writes after the criteria is not read.
"""

from collections.abc import Sequence
from pathlib import Path

from grmkit.templates.answer import final_answer
from grmkit.templates.prompt_file import PromptFile
from grmkit.templates.protocol import Prompt, Reading
from grmkit.templates.sections import read_principles, split_sections
from grmkit.templates.structure import SECTIONS
from grmkit.types import Example, Message

PROMPT = Path(__file__).with_name("principles.txt")
NANO_PROMPT = Path(__file__).with_name("nano_principles.txt")
NAMES = {"nano": "nano-principles", "": "principles"}
VERSION = 1  # raise it when the code below renders the same prompt text differently


def principles_template(name: str) -> str:
    """The template that asks for principles, by the name of the template that the judge is asked in."""
    return NAMES["nano" if name.startswith("nano") else ""]


class Principles:
    """Asks for principles; its readings hold principles and, as nothing is judged, no scores.

    Args:
        is_nano: Ask the way the nano judge is asked.
    """

    score_range = (0.0, 0.0)

    def __init__(self, *, is_nano: bool = False) -> None:
        self.name = NAMES["nano" if is_nano else ""]
        self._prompt = PromptFile(NANO_PROMPT if is_nano else PROMPT, SECTIONS, needed=("query",))

    @property
    def fingerprint(self) -> str:
        return f"{self.name}/{VERSION}/{self._prompt.digest}"

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """One user turn that shows the query and no response."""
        text, neutralised = self._prompt.render(example, order)
        return Prompt((Message("user", text),), neutralised)

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:  # noqa: ARG002
        """The principles, if each has a weight and the last was not cut; no scores, in any case."""
        answer, reason = final_answer(text, finish_reason)
        sections = split_sections(answer)
        found = read_principles(sections.criteria)
        is_ended = reason is None or sections.analysis is not None
        is_whole = bool(found) and is_ended and all(principle.weight is not None for principle in found)
        return Reading(None, reason or "no_scores", found if is_whole else ())
