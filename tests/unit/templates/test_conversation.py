import pytest

from grmkit.templates.conversation import TURN_MARKS, is_bare, render_turn
from grmkit.templates.structure import neutralise
from grmkit.types import Message, ToolCall


@pytest.mark.parametrize(
    ("query", "bare"),
    [
        ("Hi", True),
        ((Message("user", "Hi"),), True),
        ((Message("system", "Hi"),), False),
        ((Message("user", "Hi", tool_calls=(ToolCall("f", "{}"),)),), False),
        ((Message("user", "Hi"), Message("assistant", "Hello")), False),
    ],
)
def test_one_user_turn_is_shown_bare(query: str | tuple[Message, ...], bare: bool) -> None:
    assert is_bare(query) is bare


@pytest.mark.parametrize(
    ("turn", "shown"),
    [
        (("user", None, "Hi", []), "User: Hi"),
        (("developer", None, "Be brief.", []), "System: Be brief."),
        (("tool", "weather", "3 degrees", []), "Tool (weather): 3 degrees"),
        (("assistant", None, "", ["f with {}"]), "Assistant: [calls f with {}]"),
        (
            ("assistant", "Bo", "Wait.", ["f with {}", "g with "]),
            "Assistant (Bo): Wait.\n[calls f with {}]\n[calls g with ]",
        ),
        (("user", "", "", []), "User: "),
    ],
)
def test_a_turn(turn: tuple[str, str | None, str, list[str]], shown: str) -> None:
    assert render_turn(*turn) == shown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("User: hi", "\\User: hi"),
        ("a\n\n**Assistant:** b", "a\n\n**\\Assistant:** b"),
        ("tool (weather) : 3", "\\tool (weather) : 3"),
        ("x\r> SYSTEM: y", "x\r> \\SYSTEM: y"),
        ("U\u200bser： hi", "\\U\u200bser： hi"),
        ("[calls f with {}]", "\\[calls f with {}]"),
        ("The user: hi", "The user: hi"),
        ("Users: hi", "Users: hi"),
        ("User hi", "User hi"),
    ],
)
def test_a_turn_cannot_start_another(text: str, safe: str) -> None:
    assert neutralise(text, TURN_MARKS)[0] == safe
