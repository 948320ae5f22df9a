import dataclasses
import hashlib
import json
import pickle
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.types import Example, Message, Principle, ToolCall, content_key
from grmkit.types.example import ROLES

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
SOME_TEXT = TEXT.filter(bool)
NUMBER = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
CALLS = st.builds(ToolCall, TEXT, TEXT)
MESSAGES = st.builds(Message, st.sampled_from(ROLES), TEXT, st.none() | TEXT, st.lists(CALLS, max_size=2).map(tuple))
PRINCIPLES = st.builds(Principle, TEXT, st.none() | TEXT, st.none() | NUMBER)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    responses = draw(st.lists(TEXT, min_size=1, max_size=4))
    num = len(responses)
    return Example(
        draw(SOME_TEXT | st.lists(MESSAGES, min_size=1, max_size=3).map(tuple)),
        tuple(responses),
        draw(st.none() | TEXT),
        draw(st.lists(PRINCIPLES, max_size=3).map(tuple)),
        draw(st.none() | st.integers(0, num - 1) | st.lists(NUMBER, min_size=num, max_size=num).map(tuple)),
        draw(TEXT),
        draw(st.dictionaries(TEXT, JSON, max_size=3)),
    )


@given(examples())
def test_json_round_trip(example: Example) -> None:
    for text in (json.dumps(example.to_json()), json.dumps(example.to_json(), ensure_ascii=False)):
        assert Example.from_json(json.loads(text)) == example
        assert Example.from_json(json.loads(text)).to_json() == json.loads(text)
    assert Example.from_json(orjson.loads(orjson.dumps(example.to_json()))) == example
    assert pickle.loads(pickle.dumps(example)) == example  # noqa: S301 (our own bytes)
    assert hash(Example.from_json(example.to_json())) == hash(example)


def test_what_is_written() -> None:
    example = Example(
        (Message("user", "Hi", "Bo"), Message("assistant", "", tool_calls=(ToolCall("f", "{}"),))),
        ("a", "b"),
        reference="r",
        principles=(Principle("p", "n", 30),),
        label=(1.0, 0.5),
        id="x",
        meta={"n": 1},
    )
    assert example.to_json() == {
        "id": "x",
        "query": [
            {"role": "user", "content": "Hi", "name": "Bo"},
            {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": "{}"}]},
        ],
        "responses": ["a", "b"],
        "reference": "r",
        "principles": [{"text": "p", "name": "n", "weight": 30}],
        "label": [1.0, 0.5],
        "meta": {"n": 1},
    }
    assert example.content().keys() == {"query", "responses", "reference", "principles"}


def test_the_least_there_is() -> None:
    example = Example.from_json({"query": "Q", "responses": ["a"]})
    assert example == Example("Q", ("a",))
    assert (example.reference, example.principles, example.label, example.id, example.meta) == (None, (), None, "", {})
    nothing = dict.fromkeys(("reference", "principles", "label", "id", "meta"))
    assert Example.from_json({"query": "Q", "responses": ["a"], **nothing}) == example


def test_lists_are_kept_as_tuples() -> None:
    example = Example([Message("user", "Hi", tool_calls=[])], ["a", "b"], None, [Principle("p")], [1, 2])
    assert example.query == (Message("user", "Hi"),)
    assert (example.responses, example.principles, example.label) == (("a", "b"), (Principle("p"),), (1, 2))
    assert Example.from_json(example.to_json()) == example


def test_nothing_changes_afterwards() -> None:
    meta = {"n": 1}
    example = Example("Q", ("a",), meta=meta)
    meta["n"] = 2
    assert example.meta == {"n": 1}
    for value, field in (
        (example, "query"),
        (Message("user", ""), "role"),
        (Principle(""), "text"),
        (ToolCall("", ""), "name"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "x")


@pytest.mark.parametrize(
    ("label", "best"),
    [(None, None), (0, 0), (2, 2), ((1.0, 3.0, 2.0), 1), ((3, 3, 1), None), ((-1.0, -2.0, -3.0), 0)],
)
def test_the_best_response(label: Any, best: int | None) -> None:
    assert Example("Q", ("a", "b", "c"), label=label).best == best


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": ""}, "query is empty; expected text or messages"),
        ({"query": ()}, "query is empty; expected text or messages"),
        ({"query": None}, "query is empty; expected text or messages"),
        ({"query": 5}, "query is 5; expected a list"),
        ({"query": b"Q"}, "query is b'Q'; expected a list"),
        ({"query": ({"role": "user"},)}, r"query\[0\] is {'role': 'user'}; expected a Message"),
        ({"responses": ()}, "responses is empty; expected at least one response"),
        ({"responses": "ab"}, "responses is 'ab'; expected a list"),
        ({"responses": None}, "responses is None; expected a list"),
        ({"responses": ("a", 5)}, r"responses\[1\] is 5; expected text"),
        ({"responses": ("a", None)}, r"responses\[1\] is None; expected text"),
        ({"responses": ("a", b"b")}, r"responses\[1\] is b'b'; expected text"),
        ({"responses": ("a", "x" * 99, 5 * ["y" * 99])}, r"responses\[2\] is \['y{55}\.\.\.; expected text"),
        ({"reference": 5}, "reference is 5; expected text"),
        ({"principles": "p"}, "principles is 'p'; expected a list"),
        ({"principles": ("p",)}, r"principles\[0\] is 'p'; expected a Principle"),
        ({"id": 7}, "id is 7; expected text"),
        ({"id": None}, "id is None; expected text"),
        ({"meta": [1]}, r"meta is \[1\]; expected an object"),
        ({"label": 2}, "label is 2; expected an index from 0 to 1"),
        ({"label": -1}, "label is -1; expected an index from 0 to 1"),
        ({"label": True}, "label is True; expected the index of the best response or a list of gold scores"),
        ({"label": 0.0}, "label is 0.0; expected the index of the best response or a list of gold scores"),
        ({"label": "a"}, "label is 'a'; expected the index of the best response or a list of gold scores"),
        ({"label": {"a": 1}}, "label is {'a': 1}; expected the index"),
        ({"label": (1.0,)}, "label holds 1 gold scores; expected 2, one per response"),
        ({"label": ()}, "label holds 0 gold scores; expected 2, one per response"),
        ({"label": (1.0, True)}, r"label is \(1.0, True\); expected finite gold scores"),
        ({"label": (1.0, None)}, r"label is \(1.0, None\); expected finite gold scores"),
        ({"label": (1.0, "2")}, r"label is \(1.0, '2'\); expected finite gold scores"),
        ({"label": (1.0, float("nan"))}, r"label is \(1.0, nan\); expected finite gold scores"),
        ({"label": (1.0, float("-inf"))}, r"label is \(1.0, -inf\); expected finite gold scores"),
        ({"label": (1.0, 10**400)}, r"label is \(1.0, 10+\.\.\.; expected finite gold scores"),
    ],
)
def test_faulty_examples(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Example(**{"query": "Q", "responses": ("a", "b"), **fields})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("text", "row is 'text'; expected an object"),
        ([], r"row is \[\]; expected an object"),
        ({"query": "Q"}, "responses is missing; expected a list"),
        ({"responses": ["a"]}, "query is missing; expected text or messages"),
        ({"query": None, "responses": ["a"]}, "query is missing; expected text or messages"),
        (
            {"query": "Q", "responses": ["a"], "labels": 0},
            "unknown field 'labels'; expected query, responses, reference, principles, label, id, meta",
        ),
        ({"query": 5, "responses": ["a"]}, "query is 5; expected a list"),
        ({"query": ["Hi"], "responses": ["a"]}, "message is 'Hi'; expected an object with 'role' and 'content'"),
        ({"query": "Q", "responses": "a"}, "responses is 'a'; expected a list"),
        ({"query": "Q", "responses": {"a": 1}}, "responses is {'a': 1}; expected a list"),
        ({"query": "Q", "responses": [["a"]]}, r"responses\[0\] is \['a'\]; expected text"),
        ({"query": "Q", "responses": ["a"], "reference": ["r"]}, r"reference is \['r'\]; expected text"),
        ({"query": "Q", "responses": ["a"], "principles": "p"}, "principles is 'p'; expected a list"),
        (
            {"query": "Q", "responses": ["a"], "principles": [5]},
            "principle is 5; expected a string or an object with 'text'",
        ),
        ({"query": "Q", "responses": ["a"], "label": False}, "label is False; expected the index"),
        ({"query": "Q", "responses": ["a"], "id": 7}, "id is 7; expected text"),
        ({"query": "Q", "responses": ["a"], "meta": 7}, "meta is 7; expected an object"),
    ],
)
def test_faulty_rows(row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Example.from_json(row)


# Keys -----------------------------------------------------------------------------------------------------------


def test_the_key_is_the_hash_of_what_a_judge_may_see() -> None:
    example = Example("Q é", ("a", "b"), principles=(Principle("p", weight=30),), label=0, id="x", meta={"n": 1})
    seen = '{"principles":[{"name":null,"text":"p","weight":30}],"query":"Q é","reference":null,"responses":["a","b"]}'
    assert example.key == content_key(example.content()) == hashlib.sha256(seen.encode()).hexdigest()
    assert dataclasses.replace(example, label=1, id="y", meta={}).key == example.key
    for other in ({"query": "R"}, {"responses": ("b", "a")}, {"reference": "r"}, {"principles": ()}):
        assert dataclasses.replace(example, **other).key != example.key


def test_keys_are_the_ones_that_ledgers_have_always_had() -> None:
    assert content_key({"b": [1, 2.5], "a": "é"}) == content_key({"a": "é", "b": [1, 2.5]})
    assert content_key({"a": "é"}) == "b3a092a6af48807fa9482b2ee140105575daa26d5b24b3c0e60a7e2dee6683b1"
    assert content_key({"a": "\ud83e"}) == hashlib.sha256(b'{"a":"\\ud83e"}').hexdigest()
    assert content_key({"a": "\ud83e"}) != content_key({"a": "\\ud83e"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key({"a": float("nan")})


@given(examples())
def test_keys_survive_a_round_trip_through_a_file(example: Example) -> None:
    assert content_key(orjson.loads(orjson.dumps(example.content()))) == example.key
    assert Example.from_json(json.loads(json.dumps(example.to_json()))).key == example.key


# Messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"role": "user", "content": "Hi"}, Message("user", "Hi")),
        ({"role": "developer", "content": "Be brief."}, Message("developer", "Be brief.")),
        ({"role": "user", "content": "Hi", "name": "Bo"}, Message("user", "Hi", "Bo")),
        ({"role": "tool", "content": "3", "tool_call_id": "call_1"}, Message("tool", "3")),
        ({"role": "user", "content": []}, Message("user", "")),
        (
            {"role": "user", "content": [{"type": "text", "text": "Hi, "}, {"type": "text", "text": "you"}]},
            Message("user", "Hi, you"),
        ),
        (  # as the OpenAI API writes it
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
            },
            Message("assistant", "", tool_calls=(ToolCall("f", '{"a":1}'),)),
        ),
        (
            {
                "role": "assistant",
                "content": "Wait.",
                "tool_calls": [{"name": "f", "arguments": {"é": [1]}}, {"name": "g"}],
            },
            Message("assistant", "Wait.", tool_calls=(ToolCall("f", '{"é": [1]}'), ToolCall("g", ""))),
        ),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": None}]},
            Message("assistant", "", tool_calls=(ToolCall("f", ""),)),
        ),
        ({"role": "assistant", "content": "Hi", "tool_calls": None}, Message("assistant", "Hi")),
    ],
)
def test_chat_messages(value: Any, message: Message) -> None:
    assert Message.from_json(value) == message
    assert Message.from_json(message.to_json()) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Hi", "message is 'Hi'; expected an object with 'role' and 'content'"),
        ({"content": "Hi"}, "message is {'content': 'Hi'}; expected an object with 'role' and 'content'"),
        (
            {"role": "human", "content": "Hi"},
            "role is 'human'; expected one of system, developer, user, assistant, tool",
        ),
        ({"role": None, "content": "Hi"}, "role is None; expected one of"),
        ({"role": ["user"], "content": "Hi"}, r"role is \['user'\]; expected one of"),
        ({"role": "user"}, "content is None; expected text"),
        ({"role": "user", "content": None}, "content is None; expected text"),
        ({"role": "user", "content": 5}, "content is 5; expected text"),
        ({"role": "user", "content": "Hi", "name": 5}, "name is 5; expected text"),
        (
            {
                "role": "user",
                "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "x"}}],
            },
            "content holds a part of type 'image_url'; only text can be judged, images are refused",
        ),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            "content holds a part of type 'input_audio'; only text",
        ),
        ({"role": "user", "content": [{"type": "text"}]}, "content holds a part of type 'text'; only text"),
        ({"role": "user", "content": ["Hi"]}, "content holds a part of type None; only text"),
        ({"role": "assistant", "tool_calls": 3}, "tool_calls is 3; expected a list"),
        (
            {"role": "assistant", "tool_calls": ["f"]},
            "tool call is 'f'; expected an object with 'name' and 'arguments'",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": None}]},
            "tool call is {'function': None}; expected an object",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": 5}}]},
            "tool call is .*; expected an object with 'name'",
        ),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {1, 2}}]},
            "arguments is {1, 2}; expected JSON: .*not JSON serializable",
        ),
    ],
)
def test_faulty_messages(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Message.from_json(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Message("user", 5), "content is 5; expected text"),
        (lambda: Message("bot", "x"), "role is 'bot'; expected one of"),
        (
            lambda: Message("user", "x", tool_calls=({"name": "f"},)),
            r"tool_calls\[0\] is {'name': 'f'}; expected a ToolCall",
        ),
        (lambda: Message("user", "x", tool_calls=None), "tool_calls is None; expected a list"),
        (lambda: ToolCall(5, "{}"), "tool call's name is 5; expected text"),
        (lambda: ToolCall("f", {}), "tool call's arguments is {}; expected text"),
        (lambda: Principle(5), "principle's text is 5; expected text"),
        (lambda: Principle("p", 5), "principle's name is 5; expected text"),
        (lambda: Principle("p", "n", "30%"), "principle's weight is '30%'; expected a number, in percent"),
        (lambda: Principle("p", "n", float("nan")), "principle's weight is nan; expected a number, in percent"),
        (lambda: Principle("p", "n", True), "principle's weight is True; expected a number, in percent"),
    ],
)
def test_faulty_parts(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


# Principles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "principle"),
    [
        ("Be right.", Principle("Be right.")),
        ({"text": "Be right."}, Principle("Be right.")),
        ({"text": "Be right.", "name": "Accuracy", "weight": 30}, Principle("Be right.", "Accuracy", 30)),
    ],
)
def test_principles(value: Any, principle: Principle) -> None:
    assert Principle.from_json(value) == principle
    assert Principle.from_json(principle.to_json()) == principle


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "principle is 5; expected a string or an object with 'text'"),
        ({}, "principle is {}; expected a string or an object with 'text'"),
        ({"text": None}, "principle is {'text': None}; expected a string or an object with 'text'"),
        ({"text": "p", "weights": 3}, "principle has unknown field 'weights'; expected text, name, weight"),
        ({"text": "p", "weight": "3"}, "principle's weight is '3'; expected a number, in percent"),
    ],
)
def test_faulty_principles(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Principle.from_json(value)


@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for read in (Example.from_json, Message.from_json, Principle.from_json, ToolCall.from_json):
        for candidate in (
            value,
            {"query": value, "responses": value},
            {"role": "user", "content": value, "text": value},
        ):
            try:
                found = read(candidate)
            except ValueError:
                continue
            assert type(found).from_json(found.to_json()) == found
