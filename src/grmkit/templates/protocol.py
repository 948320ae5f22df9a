"""What every template promises, and the list of those we ship."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grmkit.errors import TemplateError
from grmkit.types import Example, Message, Principle

UNPARSED_REASONS = (
    "empty",  # null or blank answer
    "cut_by_length",  # the answer filled its room, whatever it contains
    "filtered",  # the server withheld it
    "unclosed_thinking",  # the thinking block never ended
    "no_scores",  # no final Scores heading, or nothing after it
    "not_a_number",  # something other than numbers where the scores belong
    "wrong_count",  # not one number per response
    "out_of_range",  # a number off the rubric's scale
    "ambiguous",  # two different verdicts
    "no_verdict",  # a pairwise judge that named no winner
)


@dataclass(frozen=True, slots=True)
class Neutralised:
    """Where a text imitated the prompt's structure: a backslash was put before each of these offsets of `field`.

    Fields are named by input index: `query`, `query[0]`, `query[0].name`, `query[0].tool_calls[0]`,
    `responses[1]`, `reference`, `principles[0]`, `judgment`. A tool call and a principle are the text as shown,
    with its name.
    """

    field: str
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The full text a judge is given, as chat turns, and what had to be neutralised in it."""

    messages: tuple[Message, ...]
    neutralised: tuple[Neutralised, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read from one answer. Scores and critiques are in the order shown, not in input order.

    Exactly one of `scores` and `unparsed_reason` is None.
    """

    scores: tuple[float, ...] | None
    unparsed_reason: str | None = None
    principles: tuple[Principle, ...] = ()
    critique: str | None = None
    critiques: tuple[str | None, ...] | None = None

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.unparsed_reason is None):
            raise ValueError(f"scores {self.scores} with unparsed_reason {self.unparsed_reason!r}; expected one")
        if self.unparsed_reason is not None and self.unparsed_reason not in UNPARSED_REASONS:
            raise ValueError(f"unparsed_reason {self.unparsed_reason!r}; expected one of {UNPARSED_REASONS}")


class Template(Protocol):
    """Renders an Example into a prompt and parses the answer.

    `fingerprint` changes whenever the same example could be rendered differently: it names the prompt
    text and the code's version. `score_range` is the lowest and highest score a reading can hold.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def score_range(self) -> tuple[float, float]: ...

    def render(self, example: Example, order: Sequence[int]) -> Prompt:
        """Show the responses in this order: position p holds `example.responses[order[p]]`.

        Raises:
            TemplateError: If this template cannot take the example.
        """
        ...

    def parse(self, text: str | None, num_responses: int, *, finish_reason: str | None = None) -> Reading:
        """Read an answer; never raises, whatever the text."""
        ...


def load_template(name: str, *, prompt_file: str | Path | None = None) -> Template:
    """The template of this name, with its own prompt or with the user's.

    Args:
        name: One of `template_names()`.
        prompt_file: A text file in Jinja syntax to use instead of ours.

    Raises:
        TemplateError: If the prompt file cannot be used.
        ValueError: If there is no such template.
    """
    registry = _registry()
    if name not in registry:
        raise ValueError(f"there is no template {name!r}; expected one of {', '.join(registry)}")
    return registry[name](prompt_file)


def template_names() -> tuple[str, ...]:
    return tuple(_registry())


def _registry() -> dict[str, Callable[[str | Path | None], Template]]:
    from grmkit.templates.deepseek_grm import DeepSeekGRM
    from grmkit.templates.j1 import J1
    from grmkit.templates.llm_judge import LLMJudge
    from grmkit.templates.mixed import Mixed
    from grmkit.templates.nano import Nano
    from grmkit.templates.principles import Principles

    return {
        "deepseek-grm": lambda path: DeepSeekGRM(prompt_file=path),
        "deepseek-grm-hinted": lambda path: DeepSeekGRM(prompt_file=path, is_hinted=True),
        "deepseek-grm-mixed": lambda path: _own(Mixed(), path),
        "deepseek-grm-mixed-hinted": lambda path: _own(Mixed(is_hinted=True), path),
        "deepseek-grm-binary": lambda path: DeepSeekGRM(prompt_file=path, is_binary=True),
        "j1": lambda path: J1(prompt_file=path),
        "llm-judge": lambda path: LLMJudge("boxed", prompt_file=path),
        "llm-judge-mt-bench": lambda path: LLMJudge("mt-bench", prompt_file=path),
        "llm-judge-arena-hard": lambda path: LLMJudge("arena-hard", prompt_file=path),
        "llm-judge-llmbar": lambda path: LLMJudge("llmbar", prompt_file=path),
        "llm-judge-rm-r1": lambda path: LLMJudge("rm-r1", prompt_file=path),
        "nano": lambda path: Nano(prompt_file=path),
        "nano-hinted": lambda path: Nano(prompt_file=path, is_hinted=True),
        "nano-principles": lambda path: _own(Principles(is_nano=True), path),
        "principles": lambda path: _own(Principles(), path),
    }


def _own(template: Template, prompt_file: str | Path | None) -> Template:
    if prompt_file is not None:
        raise TemplateError(f"{template.name} has its own prompts; it takes no prompt file, not {prompt_file}")
    return template
