"""Show a query to a judge: bare when it is one turn, with the role before each turn when it is a conversation."""

import re

from grmkit.templates.structure import LEAD
from grmkit.types import Message

ROLE_NAMES = {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}

TURN_MARKS = (
    re.compile(rf"{LEAD}(?:system|user|assistant|tool)(?: ?\([^)\n]{{0,80}}\))?+[ *_`]*+:", re.MULTILINE),
    re.compile(rf"{LEAD}\[ *+calls ", re.MULTILINE),
)
"""What no turn's text may look like: the start of another turn, or a tool call."""


def is_bare(query: str | tuple[Message, ...]) -> bool:
    """Whether the query is shown without role names: plain text, or a single user turn."""
    return isinstance(query, str) or (len(query) == 1 and query[0].role == "user" and not query[0].tool_calls)


def render_turn(role: str, name: str | None, content: str, calls: list[str]) -> str:
    """One turn under its role: what was said, then a line for each tool that was called."""
    speaker = f"{ROLE_NAMES[role]} ({name})" if name else ROLE_NAMES[role]
    return f"{speaker}: " + "\n".join([part for part in [content] if part] + [f"[calls {call}]" for call in calls])
