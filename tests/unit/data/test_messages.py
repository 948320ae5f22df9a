import pytest

from grmkit.data.messages import read_messages, render_response
from grmkit.types import Message, ToolCall


def test_turns_are_read() -> None:
    turns = read_messages([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "query")
    assert turns == (Message("user", "Hi"), Message("assistant", "Hello"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Hi", "prompt is 'Hi'; expected text or a list of messages"),
        ({"role": "user"}, "prompt is {.*}; expected text or a list of messages"),
        (["Hi"], r"prompt\[0\]: message is 'Hi'; expected an object with 'role' and 'content'"),
        (
            [{"role": "user", "content": "a"}, {"role": "human", "content": "b"}],
            r"prompt\[1\]: role is 'human'; expected one",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": b""}]}],
            r"prompt\[0\]: .* not JSON serializable",
        ),
        ([{"role": "assistant", "content": "", "tool_calls": 3}], r"prompt\[0\]: tool_calls is 3; expected a list"),
        (
            [{"role": "user", "content": [{"type": "image_url"}]}],
            r"prompt\[0\]: .*'image_url'; only text can be judged",
        ),
    ],
)
def test_faulty_turns_are_named(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_messages(value, "prompt")


def test_one_assistant_turn_is_its_text() -> None:
    assert render_response([Message("assistant", "Hello\nthere")]) == "Hello\nthere"


def test_more_turns_are_written_under_their_roles() -> None:
    turns = [
        Message("assistant", "Let me look.", tool_calls=(ToolCall("weather", '{"city": "Oslo"}'),)),
        Message("tool", "3 degrees"),
        Message("assistant", "It is 3 degrees."),
    ]
    expected = (
        'assistant: Let me look.\nassistant calls weather({"city": "Oslo"})\n\n'
        "tool: 3 degrees\n\nassistant: It is 3 degrees."
    )
    assert render_response(turns) == expected


def test_a_lone_tool_call_is_shown() -> None:
    assert render_response([Message("assistant", "", tool_calls=(ToolCall("ls", "{}"),))]) == "assistant calls ls({})"
