"""Answers of the wrong shape: what can be read of them is kept, and only errors on purpose come out."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grmkit.backends import Answer, Generation, Request, Sampling, wire
from grmkit.backends.limiter import Unavailable
from grmkit.backends.wire import MALFORMED, Key, Refused, ServedModel
from grmkit.errors import BackendDown, BackendError
from grmkit.types import Message

CHAT_URL, MODELS_URL = "http://h/v1/chat/completions", "http://h/v1/models"
SECRET = "sk-se/cret+1234"
KEY = Key("SOME_KEY", SECRET)
NO_KEY = Key("SOME_KEY", None)
DEEP = b'{"choices": ' + b"[" * 500 + b"]" * 500 + b"}"


def read(body: Any, at_most: int = 8, key: Key = NO_KEY) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.read_answer(sent, where=CHAT_URL, at_most=at_most, key=key)


def read_one(*choices: Any, key: Key = NO_KEY) -> Generation:
    (generation,) = read({"choices": list(choices)}, key=key).generations
    return generation


def texts(*choices: Any, at_most: int = 8) -> list[str | None]:
    return [generation.text for generation in read({"choices": list(choices)}, at_most).generations]


def models(body: Any) -> tuple[ServedModel, ...]:
    return wire.read_models(json.dumps(body).encode(), where=MODELS_URL, key=NO_KEY)


def choice(content: Any = "t", index: Any = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"} | fields


# One choice among several

BAD_CHOICES = [
    "text",
    None,
    [],
    {},
    {"text": "a completion"},
    {"message": None},
    {"message": []},
    choice(7),
    choice({}),
    choice([{"type": "text"}]),
    choice([{"type": "text", "text": 7}]),
    choice(finish_reason=3),
    choice(finish_reason={"type": "stop"}),
]


@pytest.mark.parametrize("bad", BAD_CHOICES)
def test_a_choice_that_cannot_be_read_costs_only_itself(bad: Any):
    if isinstance(bad, dict):
        bad = bad | {"index": 1}
    answer = read({"choices": [choice("a", 0), bad, choice("c", 2)]})
    assert answer.generations == (Generation("a", "stop"), Generation(None, "malformed"), Generation("c", "stop"))


@pytest.mark.parametrize("bad", BAD_CHOICES)
def test_where_none_can_be_read_it_is_an_error(bad: Any):
    with pytest.raises(BackendError, match=f"^{CHAT_URL}: answered .*; expected a chat completion with choices$"):
        read({"choices": [bad, bad]})


def test_the_first_of_an_index_is_kept_unless_it_cannot_be_read():
    assert texts(choice("a", 0), choice("again", 0), choice("b", 1)) == ["a", "b"]
    assert texts(choice(7, 0), choice("a", 0), choice("b", 1)) == ["a", "b"]


@pytest.mark.parametrize("index", [None, "1", 1.0, True, -1, [], 2**60])
def test_a_choice_without_a_usable_index_stays_in_its_place(index: Any):
    assert texts(choice("a", 0), choice("b", index), choice("c", 2)) == ["a", "b", "c"]
    assert sorted(filter(None, texts(choice("b", index), choice("a", 0)))) == ["a", "b"]


@pytest.mark.parametrize(
    "bad",
    [
        "none",
        [],
        {"content": {}},
        {"content": ""},
        {"content": 7},
        {"content": [{}]},
        {"content": [None]},
        {"content": [{"token": 7, "logprob": -1.0}]},
        {"content": [{"token": "a", "logprob": None}]},
        {"content": [{"token": "a", "logprob": float("nan")}]},
        {"content": [{"token": "a", "logprob": -(10**400)}]},
    ],
)
def test_logprobs_that_cannot_be_read_leave_the_text(bad: Any):
    assert read_one(choice("t", logprobs=bad)) == Generation("t", "stop")


def test_half_a_surrogate_pair_is_text():
    assert read_one(choice("a \ud83d b")).text == "a \ud83d b"


# Token counts


@pytest.mark.parametrize("usage", ["many", [], [11], 11, True, None])
def test_usage_of_another_type_tells_nothing(usage: Any):
    answer = read({"choices": [choice()], "usage": usage})
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


@pytest.mark.parametrize("count", [-1, True, 11.0, "11", None, [], 2**53 + 1, 10**30])
def test_counts_that_are_none_are_not_told(count: Any):
    answer = read({"choices": [choice()], "usage": {"prompt_tokens": count, "completion_tokens": 2**53}})
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, 2**53)


# Models


def test_models_without_a_name_are_left_out():
    rows = [{"id": ["judge"]}, {"id": 7}, {}, None, "judge", {"id": "judge", "root": 7, "owned_by": [], "parent": {}}]
    assert models({"data": rows}) == (ServedModel("judge"),)
    with pytest.raises(BackendDown, match=r"does not serve 'juge'; it serves judge; the nearest name is 'judge'"):
        wire.pick_model(models(rows), "juge", where=MODELS_URL)


@pytest.mark.parametrize("body", [{"data": [{"id": 7}]}, {"data": "judge"}, {"data": {"id": "judge"}}, {"data": 7}, 7])
def test_no_model_with_a_name(body: Any):
    with pytest.raises(BackendDown, match="expected a list of models"):
        models(body)


def test_what_lasts_of_a_model():
    meta = {"n_params": 4_022_468_096, "size": 2_497_280_256, "n_ctx_train": 40960, "created": 1, "tags": ["a"]}
    card = {"id": "judge", "parent": "base", "meta": meta, "created": 7, "max_model_len": 4096, "permission": [{}]}
    assert models([card])[0].lasting == {
        "model": "judge",
        "root": None,
        "parent": "base",
        "meta": {"n_params": 4_022_468_096, "size": 2_497_280_256},
    }
    for meta in (None, [], "large", {}, {"tags": {}}):
        assert models([{"id": "judge", "parent": None, "meta": meta}])[0].lasting == {"model": "judge", "root": None}


# Seeds


@pytest.mark.parametrize("owner", ["vllm", "sglang", "llamacpp", None])
def test_seeds_are_as_long_as_the_server_takes(owner: str | None):
    seed = 2**53 - 2**16
    request = Request((Message("user", "?"),), 1, 5, seed, Sampling(), "x", "key of x", (0, 1))
    body = wire.render_chat(request, ServedModel("m", owned_by=owner), num_samples=1, length_field="max_tokens")
    expected = seed + 5 if owner in ("vllm", "sglang") else (seed + 5) % 2**31
    assert json.loads(body)["seed"] == expected


# The key


def test_a_key_that_the_judge_echoes_goes_no_further():
    message = {"content": f"it says {SECRET}", "reasoning": f"I see {json.dumps(SECRET)}"}
    tokens = [{"token": token, "logprob": -0.5} for token in ("it says ", SECRET[:5], SECRET[5:])]
    found = read_one({"message": message, "finish_reason": SECRET, "logprobs": {"content": tokens}}, key=KEY)
    assert found == Generation("it says [key]", "[key]", 'I see "[key]"', None)


def test_other_texts_are_left_alone():
    tokens = {"content": [{"token": "fine", "logprob": -0.5}]}
    assert read_one(choice("fine", logprobs=tokens), key=KEY).logprobs == (("fine", -0.5),)
    assert read_one(choice("EMPTY, none of it"), key=Key("E", "none")).text == "EMPTY, none of it"


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
GOOD_ANSWER = {
    "choices": [
        choice("a", 0, logprobs={"content": [{"token": "a", "logprob": -0.5}]}),
        choice([{"type": "text", "text": "b"}], 1),
        {"index": 2, "message": {"content": "c", "reasoning": "hm"}, "finish_reason": "length"},
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 14},
}
GOOD_MODELS = {
    "data": [
        {"id": "judge", "root": "/j", "owned_by": "vllm", "max_model_len": 4096, "parent": None},
        {"id": "other", "meta": {"size": 1, "n_params": 2}},
    ]
}


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path to every value within, and to the whole."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key in keys for rest in places(value[key]))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], new)
    return value


def mutated(good: Any) -> st.SearchStrategy[bytes]:
    """A good body with one to three of its values replaced by anything."""
    edits = st.lists(st.tuples(st.sampled_from(places(good)), JSON), min_size=1, max_size=3)

    def apply(edits: list[tuple[tuple[Any, ...], Any]]) -> bytes:
        body = good
        for path, new in edits:
            body = replaced(body, path, new) if path in places(body) else body
        return json.dumps(body).encode()

    return edits.map(apply)


@given(mutated(GOOD_ANSWER) | st.binary(max_size=20), st.integers(1, 4))
def test_only_answers_and_errors_on_purpose_come_of_anything(body: bytes, at_most: int):
    try:
        answer = wire.read_answer(body, where=CHAT_URL, at_most=at_most, key=KEY)
    except BackendError:
        return
    assert 1 <= len(answer.generations) <= at_most
    for found in answer.generations:
        assert found is MALFORMED or all(
            part is None or isinstance(part, str) for part in (found.text, found.finish_reason, found.reasoning)
        )
    assert all(count is None or 0 <= count <= 2**53 for count in (answer.prompt_tokens, answer.completion_tokens))


@given(mutated(GOOD_MODELS) | st.binary(max_size=20), st.sampled_from([None, "judge", "juge"]))
def test_only_models_and_errors_on_purpose_come_of_anything(body: bytes, wanted: str | None):
    try:
        found = wire.pick_model(wire.read_models(body, where=MODELS_URL, key=KEY), wanted, where=MODELS_URL)
    except BackendDown:
        return
    json.dumps(found.lasting, allow_nan=False)
    assert isinstance(found.id, str)


@given(mutated({"error": {"message": "no", "code": 1}, "count": 7}), st.integers(300, 599), st.text(max_size=30))
def test_refusals_of_any_shape(body: bytes, status: int, retry_after: str):
    wire.read_count(body)
    headers = {"retry-after": retry_after}
    with pytest.raises((Refused, Unavailable)):
        wire.check_status(status, body, headers=headers, where=CHAT_URL, key=KEY, patience_s=1.0)


@pytest.mark.parametrize("body", [DEEP, b"[" * 100_000, b'{"choices": [' + b"9" * 5000 + b"]}"])
def test_json_too_deep_or_too_long(body: bytes):
    with pytest.raises(BackendError, match="expected a chat completion"):
        read(body)
    with pytest.raises(BackendDown, match="expected a list of models"):
        wire.read_models(body, where=MODELS_URL, key=KEY)
    with pytest.raises(Refused):
        wire.check_status(400, body, headers={}, where=CHAT_URL, key=KEY, patience_s=1.0)


def test_a_date_beyond_all_dates():
    headers = {"retry-after": "Thu, 01 Jan 2026 00:01:30 +99999999999999999999"}
    with pytest.raises(Unavailable, match="HTTP 503"):
        wire.check_status(503, b"", headers=headers, where=CHAT_URL, key=KEY, patience_s=1.0)
