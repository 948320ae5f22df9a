"""Prompt texts: read from a file in Jinja syntax, filled in with neutralised fields, never with code from the data.

A prompt file may use `query`, `responses`, `num_responses`, `reference`, `principles` and `hint`. Their values are
plain text: nothing in an example is ever run as a template.

What stands above a line `{# user #}` is a system turn, for judges that were trained with one; without that line the
whole text is the user's turn. Some chat templates, such as Gemma's, refuse a system turn.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grmkit.errors import TemplateError
from grmkit.templates.conversation import TURN_MARKS, is_bare, render_turn
from grmkit.templates.literals import literals_of
from grmkit.templates.protocol import Neutralised, Prompt
from grmkit.templates.structure import SPECIAL_TOKENS, neutralise
from grmkit.types import Example, Message

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2 import Template as JinjaTemplate

FIELDS = ("query", "responses", "num_responses", "reference", "principles", "hint")
HOW_TO_SHOW = {
    "query": "{{ query }} where it belongs",
    "responses": "{{ responses[0] }} and so on, or a loop over them, where they belong",
    "hint": "{{ hint }} where it belongs",
}
USER_TURN = re.compile(r"^[ \t]*+\{#-?[ \t]*+user[ \t]*+-?#\}[ \t]*+$\n?", re.MULTILINE)
_GAP = re.compile(r"qxzgap([a-z]+?\d*)zxq", re.IGNORECASE)  # one word, which most filters leave alone


class PromptFile:
    """One prompt text and the structure its fields must not imitate.

    Args:
        path: Where the text is.
        headings: Patterns that are structure besides what stands in the text: the judge's own output headings.
        settings: Further variables of our own prompts, the same for every example.
        needed: The variables that the text has to use.

    Raises:
        TemplateError: If the file cannot be read or parsed, uses an unknown variable or leaves out a needed one, or
            its line `{# user #}` is there twice or has nothing above it.
    """

    def __init__(
        self,
        path: str | Path,
        headings: Sequence[re.Pattern[str]] = (),
        settings: Mapping[str, Any] = MappingProxyType({}),
        needed: Sequence[str] = ("query", "responses"),
    ) -> None:
        self.path = Path(path)
        self.text = _read(self.path)
        self._settings = dict(settings)
        self._shows_responses = "responses" in needed
        self._patterns = (SPECIAL_TOKENS, *headings)
        self._structures: dict[tuple[Any, ...], tuple[re.Pattern[str], ...]] = {}
        self._compiled = [_compile(self.path, part) for part in _turns(self.path, self.text)]
        _check_variables(self.path, self.text, (*FIELDS, *settings), needed)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def render(
        self, example: Example, order: Sequence[int], *, hint: str | None = None
    ) -> tuple[str, tuple[Neutralised, ...]]:
        """The prompt, and where the example's texts had to be neutralised; fields are named by input index.

        Raises:
            TemplateError: If the prompt cannot be filled in, or leaves out the query or one of the responses.
            ValueError: If the order does not name every response once.
        """
        parts, neutralised = self._render(example, order, hint)
        return "\n\n".join(parts), neutralised

    def turns(self, example: Example, order: Sequence[int], *, hint: str | None = None) -> Prompt:
        """The same as chat turns: the user's, after a system turn if the file has one.

        Raises:
            TemplateError: As `render` does.
            ValueError: As `render` does.
        """
        parts, neutralised = self._render(example, order, hint)
        return Prompt(tuple(map(Message, ("system", "user")[-len(parts) :], parts)), neutralised)

    def _render(
        self, example: Example, order: Sequence[int], hint: str | None
    ) -> tuple[list[str], tuple[Neutralised, ...]]:
        if sorted(order) != list(range(len(example.responses))):
            raise ValueError(f"order is {list(order)}; expected each index below {len(example.responses)} once")
        guard = _Guard(self._structure(example, hint))
        fields = {
            "query": guard.query(example.query),
            "responses": [guard.text(f"responses[{i}]", example.responses[i]) for i in order],
            "num_responses": len(order),
            "reference": None if example.reference is None else guard.text("reference", example.reference),
            "principles": guard.principles(example),
            "hint": hint,
        }
        return self._fill(fields), tuple(guard.neutralised)

    def _structure(self, example: Example, hint: str | None) -> tuple[re.Pattern[str], ...]:
        """What no field of such an example may imitate: also the parts of the prompt that it does without."""
        num, num_principles = len(example.responses), len(example.principles)
        key = (num, example.reference is None, num_principles, hint is None)
        if key not in self._structures:
            bare = {
                "query": _gap("query"),
                "responses": [_gap(f"response{i + 1}") for i in range(num)],
                "num_responses": num,
            }
            whole = {"reference": _gap("reference"), "principles": [_gap("principle")] * (num_principles or 1)}
            own = {
                "reference": None if example.reference is None else whole["reference"],
                "principles": whole["principles"] if num_principles else [],
            }
            shown = "\n\n".join(self._fill({**bare, **own, "hint": None if hint is None else _gap("hint")}))
            self._check_shown(shown, num if self._shows_responses else 0)
            scaffolds = (shown, "\n\n".join(self._fill({**bare, **whole, "hint": _gap("hint")})))
            literals = {literal.pattern: literal for scaffold in scaffolds for literal in literals_of(scaffold, _GAP)}
            self._structures[key] = (*self._patterns, *literals.values())
        return self._structures[key]

    def _check_shown(self, scaffold: str, num_responses: int) -> None:
        shown = {name.lower() for name in _GAP.findall(scaffold)}
        if "query" not in shown:
            raise TemplateError(f"{self.path}: the prompt does not show the query; write {HOW_TO_SHOW['query']}")
        for position in range(1, num_responses + 1):
            if f"response{position}" not in shown:
                raise TemplateError(f"{self.path}: the prompt does not show response {position} of {num_responses}")

    def _fill(self, fields: Mapping[str, Any]) -> list[str]:
        """The text of each turn."""
        try:
            return [part.render({**self._settings, **fields}).strip() for part in self._compiled]
        except _faults() as error:
            raise TemplateError(f"{self.path}: the prompt cannot be filled in: {error}") from error


class _Guard:
    """Neutralises one example's texts and remembers where."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = tuple(patterns)
        self.neutralised: list[Neutralised] = []

    def text(self, field: str, text: str, more: Sequence[re.Pattern[str]] = ()) -> str:
        safe, offsets = neutralise(text, (*self._patterns, *more))
        if offsets:
            self.neutralised.append(Neutralised(field, offsets))
        return safe

    def query(self, query: str | tuple[Message, ...]) -> str:
        if isinstance(query, str):
            return self.text("query", query)
        if is_bare(query):
            return self.text("query[0]", query[0].content)
        return "\n\n".join(self._turn(f"query[{index}]", turn) for index, turn in enumerate(query))

    def _turn(self, field: str, turn: Message) -> str:
        name = None if turn.name is None else self.text(f"{field}.name", turn.name, TURN_MARKS)
        content = self.text(field, turn.content, TURN_MARKS)
        calls = [
            self.text(f"{field}.tool_calls[{index}]", f"{call.name} with {call.arguments}", TURN_MARKS)
            for index, call in enumerate(turn.tool_calls)
        ]
        return render_turn(turn.role, name, content, calls)

    def principles(self, example: Example) -> list[str]:
        shown = []
        for index, principle in enumerate(example.principles):
            weight = "" if principle.weight is None else f" (Weight: {principle.weight:g}%)"
            title = f"{principle.name}{weight}: " if principle.name else ""
            shown.append(self.text(f"principles[{index}]", title + principle.text))
        return shown


def _gap(name: str) -> str:
    return f"qxzgap{name}zxq"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: the prompt file cannot be read: {error}") from error


def _turns(path: Path, text: str) -> list[str]:
    """The turns' texts; a part keeps the lines above it as blank ones, so that a fault is told by its line."""
    parts = USER_TURN.split(text)
    if len(parts) > 2 or (len(parts) == 2 and not parts[0].strip()):
        fault = "twice" if len(parts) > 2 else "with nothing above it, where the system turn belongs"
        raise TemplateError(f"{path}: the prompt has the line {{# user #}} {fault}; write it once, or leave it out")
    return parts if len(parts) == 1 else [parts[0], "\n" * (parts[0].count("\n") + 1) + parts[1]]


def _environment() -> "Environment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _compile(path: Path, text: str) -> "JinjaTemplate":
    from jinja2 import TemplateSyntaxError

    try:
        return _environment().from_string(text)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{path}:{error.lineno}: the prompt file is not valid Jinja: {error.message}") from error


def _faults() -> tuple[type[Exception], ...]:
    """What can go wrong while a user's prompt is filled in: it is a program."""
    from jinja2 import TemplateError as JinjaError

    return (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def _check_variables(path: Path, text: str, known: Sequence[str], needed: Sequence[str]) -> None:
    from jinja2 import meta

    used = meta.find_undeclared_variables(_environment().parse(text))
    if unknown := sorted(used - set(known)):
        raise TemplateError(f"{path}: unknown variable {unknown[0]!r}; a prompt file may use {', '.join(known)}")
    if missing := [name for name in needed if name not in used]:
        raise TemplateError(f"{path}: the prompt never shows the {missing[0]}; write {HOW_TO_SHOW[missing[0]]}")
