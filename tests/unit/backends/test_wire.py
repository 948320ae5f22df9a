"""What is sent and how answers are read: pure functions, tried with what real servers say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from grmkit.backends import Answer, Generation, Request, Sampling, wire
from grmkit.backends.limiter import Unavailable
from grmkit.backends.wire import Key, Refused, ServedModel
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.types import Message

URL = "http://h/v1/chat/completions"
SECRET = "sk-se/cret+1234"
KEY = Key("SOME_KEY", SECRET)
NO_KEY = Key("SOME_KEY", None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ask(**sampling: Any) -> Request:
    return Request((Message("user", "Grüße"),), 4, 8, 100, Sampling(**sampling), "x", "key of x", (0, 1))


def read(body: Any, at_most: int = 8, key: Key = NO_KEY) -> Answer:
    return wire.read_answer(
        body if isinstance(body, bytes) else json.dumps(body).encode(), where=URL, at_most=at_most, key=key
    )


def choice(content: Any = "t", index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"} | fields


# Requests


def sent(request: Request, model: ServedModel, *, length_field: str = "max_tokens") -> dict[str, Any]:
    return json.loads(wire.render_chat(request, model, num_samples=4, length_field=length_field))


def test_every_sampling_field_is_sent_and_the_seed_is_the_first_streams():
    assert sent(ask(temperature=0.7, top_p=0.9, max_tokens=32), ServedModel("m")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Grüße"}],
        "n": 4,
        "seed": 108,
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 32,
    }


@pytest.mark.parametrize("owner", ["vllm", "sglang"])
def test_servers_with_defaults_of_their_own_are_told_more(owner: str):
    payload = sent(ask(logprobs=True), ServedModel("m", owned_by=owner))
    assert (payload["top_k"], payload["min_p"], payload["repetition_penalty"], payload["logprobs"]) == (-1, 0, 1, True)


def test_the_length_may_have_another_name():
    payload = sent(ask(max_tokens=32), ServedModel("m"), length_field="max_completion_tokens")
    assert payload["max_completion_tokens"] == 32
    assert "max_tokens" not in payload


def test_counting():
    messages = (Message("user", "Grüße"), Message("assistant", "ok"))
    assert wire.num_bytes(messages) == 9
    assert json.loads(wire.render_count(messages, "m"))["messages"][1] == {"role": "assistant", "content": "ok"}
    assert wire.read_count(b'{"count": 5213, "max_model_len": 4096, "tokens": []}') == 5213
    assert wire.read_count(b"<html>") is None
    assert wire.read_count(b"[]") is None


# Base URLs


def test_base_urls_lose_their_last_slash():
    assert wire.check_base_url("http://127.0.0.1:8000/v1/") == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://h/v1", "http://", "", "http://[/v1", "http://h:99999/v1"])
def test_base_urls_that_are_none(url: str):
    with pytest.raises(ValueError, match="expected something like"):
        wire.check_base_url(url)


def test_a_password_is_not_shown_even_where_the_url_is_none():
    with pytest.raises(ValueError, match="base URL is 'h/v1'"):
        wire.check_base_url("me:hush@h/v1")


@pytest.mark.parametrize("url", ["https://me:hush@h/v1", "https://h/v1?key=hush", "https://h/v1#hush"])
def test_base_urls_hold_no_secrets(url: str):
    with pytest.raises(ValueError, match="https://h/v1 carries") as caught:
        wire.check_base_url(url)
    assert "hush" not in str(caught.value)


# Answers


def test_an_answer_of_two():
    body = {
        "choices": [choice("second", 1, finish_reason="length"), choice("first", 0)],
        "usage": {"prompt_tokens": 11, "completion_tokens": 14, "total_tokens": 25},
    }
    assert read(body) == Answer((Generation("first", "stop"), Generation("second", "length")), 11, 14)


def test_more_choices_than_asked_are_left_out():
    body = {"choices": [choice(text, index) for index, text in enumerate("abc")]}
    assert [generation.text for generation in read(body, at_most=2).generations] == ["a", "b"]


def test_choices_without_index_keep_their_order():
    body = {"choices": [{"message": {"content": text}} for text in "abc"]}
    assert read(body).generations == tuple(Generation(text, None) for text in "abc")


def test_null_content_is_no_text():
    assert read({"choices": [choice(None, finish_reason="length")]}).generations == (Generation(None, "length"),)
    assert read({"choices": [{"message": {}}]}).generations == (Generation(None, None),)


def test_text_parts_are_joined():
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert read({"choices": [choice(parts)]}).generations[0].text == "ab"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"reasoning": "hm"}, "hm"),
        ({"reasoning_content": "hm"}, "hm"),
        ({"reasoning": None, "reasoning_content": "hm"}, "hm"),
        ({"reasoning": "", "reasoning_content": None}, None),
        ({"reasoning": {"effort": "low"}}, None),
        ({}, None),
    ],
)
def test_thinking_has_two_names(message: dict[str, Any], expected: str | None):
    assert read({"choices": [{"message": message}]}).generations[0].reasoning == expected


def test_logprobs():
    content = [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}, {"token": "b", "logprob": 0}]
    assert read({"choices": [choice(logprobs={"content": content})]}).generations[0].logprobs == (
        ("a", -0.5),
        ("b", 0.0),
    )
    for none in (None, {}, {"content": None}):
        assert read({"choices": [choice(logprobs=none)]}).generations[0].logprobs is None


@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {}}, {"usage": {"prompt_tokens": "11"}}])
def test_unknown_token_counts(usage: dict[str, Any]):
    answer = read({"choices": [choice()], **usage})
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>" + b"nginx " * 100, r"<html>nginx nginx .*\.\.\."),
        (b"", "''"),
        ({"choices": []}, "choices"),
        ({"id": 1}, "id"),
        ([1], "1"),
        ({"error": {"message": "upstream is gone", "code": 502}}, "'upstream is gone'"),
        ({"object": "error", "message": "no", "choices": None}, "'no'"),
        ({"choices": ["text"]}, "text"),
        ({"choices": [{"text": "a completion"}]}, "a completion"),
        ({"choices": [{"message": None}]}, "null"),
        ({"choices": [choice(7)]}, "7"),
        ({"choices": [choice([{"type": "text"}])]}, "text"),
        ({"choices": [choice(finish_reason=7)]}, "finish_reason"),
    ],
)
def test_other_answers_are_errors_that_quote_them(body: Any, words: str):
    with pytest.raises(BackendError, match=words) as caught:
        read(body)
    assert str(caught.value).startswith(f"{URL}: answered ")
    assert str(caught.value).endswith("expected a chat completion with choices")
    assert len(str(caught.value)) < 320


# Models


VLLM_CARD = {"id": "judge", "root": "/models/j", "owned_by": "vllm", "max_model_len": 4096, "parent": None}


def models(body: Any) -> tuple[ServedModel, ...]:
    return wire.read_models(json.dumps(body).encode(), where="http://h/v1/models", key=NO_KEY)


def test_models():
    card = ServedModel("judge", "/models/j", "vllm", 4096)
    assert models({"object": "list", "data": [VLLM_CARD]}) == (card,)
    assert models([VLLM_CARD]) == (card,)
    assert card.is_extended
    assert models({"data": [{"id": "gpt"}]}) == (ServedModel("gpt"),)
    assert not ServedModel("gpt", owned_by="openai").is_extended


@pytest.mark.parametrize("body", ["welcome", {}, {"data": None}, {"data": ["judge"]}, {"data": [{}]}])
def test_what_is_no_list_of_models(body: Any):
    with pytest.raises(BackendDown, match=r"expected a list of models; .*often \.\.\./v1"):
        models(body)


def pick(names: list[str], wanted: str | None) -> str:
    return wire.pick_model([ServedModel(name) for name in names], wanted, where="U").id


def test_picking():
    assert pick(["a", "b"], "b") == "b"
    assert pick(["a"], None) == "a"
    with pytest.raises(
        BackendDown, match=r"does not serve 'jugde'; it serves judge, other; the nearest name is 'judge'"
    ):
        pick(["judge", "other"], "jugde")
    with pytest.raises(BackendDown, match=r"serves 2 models \(a, b\); name the one to ask"):
        pick(["b", "a"], None)
    with pytest.raises(BackendDown, match=r"serves 0 models \(none\)"):
        pick([], None)
    with pytest.raises(BackendDown, match=r"it serves m10, .*, m19 and 40 more"):
        pick([f"m{number}" for number in range(10, 60)], "zzz")


# Refusals


def check(status: int, body: Any = None, *, retry_after: str | None = None, key: Key = KEY) -> None:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    said = body if isinstance(body, bytes) else json.dumps({"error": {"message": body}}).encode()
    wire.check_status(status, said, headers=headers, where=URL, key=key, patience_s=60.0)


def refusal(status: int, body: Any, key: Key = KEY) -> BackendError:
    with pytest.raises(Refused) as caught:
        check(status, body, key=key)
    return caught.value.error


def test_success_passes():
    check(200)
    check(201)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass(status: int):
    with pytest.raises(Unavailable) as caught:
        check(status, "come again")
    failure = caught.value
    failure.num_tries = 6
    assert failure.text == f"{URL}: HTTP {status} after 6 tries: come again"
    assert failure.wait_s is True
    assert failure.is_busy == (status in (429, 503))


def test_one_try_is_not_counted_in_words():
    assert Unavailable(URL, "cannot connect", is_busy=False).text == f"{URL}: cannot connect"


def test_the_servers_wish_is_kept_within_patience():
    with pytest.raises(Unavailable) as caught:
        check(429, "slow down", retry_after="2.5")
    assert caught.value.wait_s == 2.5
    with pytest.raises(Unavailable) as caught:
        check(429, "quota", retry_after="86400")
    assert caught.value.wait_s is False
    assert "quota (and not to ask again for 86,400 s)" in caught.value.text
    with pytest.raises(Unavailable) as caught:
        check(429, "slow down", retry_after="0")
    assert caught.value.wait_s is True


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("3", 3.0),
        ("0.25", 0.25),
        ("-1", 0.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 00:01:30 -0000", 90.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, expected: float | None):
    assert wire.retry_after_s(header, NOW) == expected


def test_a_refused_key_names_its_variable():
    error = refusal(401, "Invalid API key", KEY)
    assert isinstance(error, BackendDown)
    assert str(error) == f"{URL}: HTTP 401: Invalid API key; the key is read from SOME_KEY, which is set"
    assert str(refusal(403, "no", NO_KEY)).endswith("the key is read from SOME_KEY, which is not set")


@pytest.mark.parametrize("status", [404, 405])
def test_a_missing_model_or_route_is_down(status: int):
    error = refusal(status, "The model `judge` does not exist.")
    assert isinstance(error, BackendDown)
    assert "The model `judge` does not exist.; is the model served there" in str(error)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, your prompt contains at least 3073 input tokens",
        "Input length (5000) exceeds model's maximum context length (4096).",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 1024 `max_new_tokens`",
        "context_length_exceeded",
    ],
)
def test_too_long_in_the_words_of_many_servers(words: str):
    error = refusal(400, "details " * 40 + words)
    assert isinstance(error, PromptTooLong)
    assert isinstance(refusal(400, words), PromptTooLong)


@pytest.mark.parametrize(
    "words",
    [
        "n must be at most 64, got 65.",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens is too large: 5000. This model supports at most 4096 completion tokens",
        "temperature must be at most 2.0",
    ],
)
def test_other_refusals_are_not_about_length(words: str):
    error = refusal(400, words)
    assert type(error) is BackendError
    assert str(error) == f"{URL}: HTTP 400: {words}"


def test_a_redirect_is_a_refusal():
    assert type(refusal(307, b"")) is BackendError


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "m", "code": 1}}', "m"),
        (b'{"error": "m"}', "m"),
        (b'{"object": "error", "message": "m"}', "m"),
        (b'{"detail": "m"}', "m"),
        (b'{"detail": [{"loc": ["n"]}]}', '[{"loc":["n"]}]'),
        (b'{"strange": 1}', '{"strange":1}'),
        (b"plain", "plain"),
        (b"\xff", "\ufffd"),
    ],
)
def test_a_servers_words_are_found(body: bytes, expected: str):
    assert wire.server_message(body) == expected


def test_the_other_name_of_max_tokens():
    assert wire.wants_max_completion_tokens("Use 'max_completion_tokens' instead.")
    assert not wire.wants_max_completion_tokens("max_tokens is too large")


# The key


def test_the_key_is_never_shown():
    assert SECRET not in repr(KEY)
    for form in (SECRET, json.dumps({"k": SECRET}), "sk-se\\/cret+1234", "sk-se%2Fcret%2B1234"):
        assert "cret" not in KEY.quote(f"key {form} is wrong")
        assert "[key]" in KEY.quote(f"key {form} is wrong")


def test_no_part_of_the_key_survives_the_cut():
    quoted = KEY.quote("x" * 190 + SECRET)
    assert len(quoted) <= 200
    assert "sk-" not in quoted


def test_a_word_for_a_key_does_not_garble_messages():
    assert Key("E", "a").quote("a bad\n answer") == "a bad answer"
    assert NO_KEY.quote("a bad answer") == "a bad answer"


def test_answers_that_echo_the_key_are_redacted():
    with pytest.raises(BackendError) as caught:
        read({"error": f"Bearer {SECRET}"}, key=KEY)
    assert SECRET not in str(caught.value)
