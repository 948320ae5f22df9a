"""Lists of chat messages, as files hold them: read into Messages, or rendered as one response."""

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from grmkit.types import Message


def read_messages(value: Any, name: str) -> tuple[Message, ...]:
    """The turns of a conversation; a faulty turn is named, as in `prompt[2]`.

    Raises:
        ValueError: If it is not a list of chat messages, or one of them holds more than text.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{name} is {reprlib.repr(value)}; expected text or a list of messages")
    return tuple(_read_message(turn, f"{name}[{index}]") for index, turn in enumerate(value))


def render_response(turns: Sequence[Message]) -> str:
    """A response as one text: what the assistant wrote, or every turn under its role if there is more than that.

    Turns are separated by an empty line, and a tool call is written after the text of its turn:

        assistant: Let me look that up.
        assistant calls weather({"city": "Oslo"})

        tool: 3 degrees

        assistant: It is 3 degrees in Oslo.
    """
    if len(turns) == 1 and turns[0].role == "assistant" and not turns[0].tool_calls:
        return turns[0].content
    return "\n\n".join(_render_turn(turn) for turn in turns)


def _read_message(value: Any, name: str) -> Message:
    calls = value.get("tool_calls") if isinstance(value, Mapping) else None
    if calls is not None and not isinstance(calls, list | tuple):
        raise ValueError(f"{name}: tool_calls is {reprlib.repr(calls)}; expected a list")
    try:
        return Message.from_json(value)
    except (TypeError, ValueError) as error:  # TypeError: tool call arguments that JSON cannot hold
        raise ValueError(f"{name}: {error}") from None


def _render_turn(turn: Message) -> str:
    lines = [f"{turn.role}: {turn.content}"] if turn.content else []
    lines += [f"{turn.role} calls {call.name}({call.arguments})" for call in turn.tool_calls]
    return "\n".join(lines)
