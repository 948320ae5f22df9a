"""What the HTTP backend sends, reads and learns, against a scripted server over real sockets."""

import asyncio
import logging
import socket
import time
import traceback
from typing import Any

import pytest

from fake_server import HANG, HTML, RESET, FakeServer, Reply, chat, dead_url, model
from grmkit.backends import Answer, Request, Sampling
from grmkit.backends.http import MAX_FAILURES, HttpBackend, HttpSettings
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.types import Message

pytestmark = pytest.mark.asyncio

SECRET = "sk-very-secret-123"
KEY_ENV = "GRMKIT_TEST_KEY"
N_UNKNOWN = "n must equal 1 (multi-choice is not supported)"
CONTEXT = "This model's maximum context length is 4096 tokens. However, your prompt contains 5213 input tokens."


def ask(num_samples: int = 4, *, first_stream: int = 0, seed: int = 100, text: str = "?", **sampling: Any) -> Request:
    return Request(
        (Message("user", text),), num_samples, first_stream, seed, Sampling(**sampling), "x", "key of x", (0, 1)
    )


def texts(answer: Answer) -> list[str | None]:
    return [generation.text for generation in answer.generations]


# Identity


async def test_the_only_model_is_taken(server: FakeServer, judges: Any):
    server.models = [model("judge", root="/models/j", owned_by="vllm", max_model_len=4096)]
    judge = judges(server.url, model_revision="abc")
    expected = {"kind": "http", "model": "judge", "root": "/models/j", "revision": "abc"}
    assert await judge.identity() == expected
    assert await judge.identity() == expected
    assert len(server.seen) == 1


async def test_a_named_model_is_found_or_its_neighbours_told(server: FakeServer, judges: Any):
    server.models = [model("judge"), model("policy")]
    assert (await judges(server.url, name="policy").identity())["model"] == "policy"
    with pytest.raises(BackendDown, match="nearest name is 'judge'"):
        await judges(server.url, name="juge").identity()
    with pytest.raises(BackendDown, match=r"serves 2 models \(judge, policy\)"):
        await judges(server.url).identity()


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_that_lists_no_models_needs_a_name(server: FakeServer, judges: Any, status: int):
    server.models = Reply.error(status, "no such route")
    assert (await judges(server.url, name="judge").identity())["root"] is None
    with pytest.raises(BackendDown, match="lists no models; name the model"):
        await judges(server.url).identity()


async def test_a_wrong_key_names_its_variable(server: FakeServer, judges: Any, monkeypatch: pytest.MonkeyPatch):
    server.api_key = "another"
    with pytest.raises(BackendDown, match=f"read from {KEY_ENV}, which is not set"):
        await judges(server.url).identity()
    monkeypatch.setenv(KEY_ENV, SECRET)
    with pytest.raises(BackendDown, match=f"read from {KEY_ENV}, which is set") as caught:
        await judges(server.url).identity()
    assert SECRET not in str(caught.value)
    assert "Bearer [key]" in str(caught.value)


async def test_a_web_page_is_no_judge(server: FakeServer, judges: Any):
    server.models = HTML
    with pytest.raises(BackendDown, match=r"/v1/models: answered '<!doctype.*often \.\.\./v1"):
        await judges(server.url).identity()


async def test_nobody_listening_is_told_within_three_seconds():
    url = dead_url()
    judge = HttpBackend([url])
    before = time.monotonic()
    with pytest.raises(BackendDown, match=rf"{url}/models: cannot connect after 3 tries: .*is the server up\?"):
        await judge.identity()
    assert time.monotonic() - before < 3
    await judge.aclose()


async def test_a_name_nobody_knows(judges: Any, monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(BackendDown, match=r"http://judge\.invalid/v1/models: cannot connect"):
        await judges("http://judge.invalid/v1").identity()


async def test_a_server_that_hangs(server: FakeServer, judges: Any):
    server.models = HANG
    with pytest.raises(BackendDown, match=r"no answer within 0\.05 s after 3 tries"):
        await judges(server.url, timeout_s=0.05).identity()


async def test_a_server_that_is_just_starting(server: FakeServer, judges: Any):
    answers = iter([Reply.error(503, "loading"), RESET, Reply(body={"data": [model()]})])
    server.models = lambda: next(answers)
    assert (await judges(server.url).identity())["model"] == "judge"


async def test_base_urls_must_hold_the_same_model(server: FakeServer, judges: Any):
    server.models = [model(root="a")]
    async with FakeServer() as other:
        other.models = [model(root="a", created=2)]
        assert (await judges(server.url, other.url).identity())["root"] == "a"
        other.models = [model(root="b")]
        with pytest.raises(BackendDown, match=r"\(root 'a'\) but .* \(root 'b'\); expected the same model"):
            await judges(server.url, other.url).identity()


async def test_what_more_is_told_of_a_model_counts(server: FakeServer, judges: Any):
    """llama.cpp tells no root, but the size of what it loaded."""
    meta = {"size": 7, "n_params": 3, "n_ctx_train": 4096}
    server.models = [model(parent="base", meta=meta, permission=[{}], max_model_len=4096)]
    expected = {"kind": "http", "model": "judge", "root": None, "revision": None}
    expected |= {"parent": "base", "meta": {"size": 7, "n_params": 3}}
    assert await judges(server.url).identity() == expected
    async with FakeServer() as other:
        other.models = [model(parent="base", meta=meta | {"size": 8})]
        with pytest.raises(BackendDown, match=r"'size': 7\}\) but .* 'size': 8\}\); expected the same model"):
            await judges(server.url, other.url).identity()


# What is sent and what comes back


async def test_samples_of_one_request(server: FakeServer, judges: Any):
    judge = judges(server.url)
    answer = await judge.sample(ask(3, first_stream=4, temperature=0.7, top_p=0.9, max_tokens=32))
    assert texts(answer) == ["seed 104", "seed 105", "seed 106"]
    assert (answer.prompt_tokens, answer.completion_tokens) == (11, 21)
    assert server.chats == [
        {
            "model": "judge",
            "messages": [{"role": "user", "content": "?"}],
            "n": 3,
            "seed": 104,
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 32,
        }
    ]


async def test_vllm_is_told_its_own_fields(server: FakeServer, judges: Any):
    server.models = [model(owned_by="vllm", max_model_len=10_000)]
    await judges(server.url).sample(ask(1))
    assert server.chats[0]["top_k"] == -1


async def test_the_key_is_sent_if_there_is_one(server: FakeServer, judges: Any, monkeypatch: pytest.MonkeyPatch):
    await judges(server.url).sample(ask(1))
    assert "authorization" not in server.seen[-1].headers
    monkeypatch.setenv(KEY_ENV, SECRET + "\n")
    server.api_key = SECRET
    assert len((await judges(server.url).sample(ask(2))).generations) == 2


async def test_no_text_and_thinking(server: FakeServer, judges: Any):
    server.script(chat(None, finish_reason="length", reasoning="hm"))
    (generation,) = (await judges(server.url).sample(ask(1))).generations
    assert (generation.text, generation.finish_reason, generation.reasoning) == (None, "length", "hm")


async def test_one_try_is_not_more_than_was_asked_for(server: FakeServer, judges: Any):
    server.script(chat("a", "b", "c"))
    assert texts(await judges(server.url).sample(ask(2))) == ["a", "b"]


async def test_at_temperature_zero_one_sample_is_asked_for(server: FakeServer, judges: Any):
    judge = judges(server.url)
    assert len((await judge.sample(ask(4, temperature=0.0))).generations) == 1
    assert server.chats[0]["n"] == 1
    assert judge.max_samples == 64


# Servers that do not know n


async def test_fewer_than_asked_is_an_answer(server: FakeServer, judges: Any):
    server.script(chat("a", "b"))
    judge = judges(server.url)
    assert texts(await judge.sample(ask(4))) == ["a", "b"]
    assert judge.max_samples == 64


async def test_a_server_that_gives_one_is_asked_for_one(server: FakeServer, judges: Any):
    server.answer = lambda _: chat("only")
    judge = judges(server.url)
    assert texts(await judge.sample(ask(4))) == ["only"]
    assert judge.max_samples == 1
    await judge.sample(ask(4))
    assert [payload["n"] for payload in server.chats] == [4, 1]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_refuses_n_is_asked_for_one(server: FakeServer, judges: Any, status: int):
    server.answer = lambda payload: chat("only") if payload["n"] == 1 else Reply.error(status, N_UNKNOWN)
    judge = judges(server.url)
    assert texts(await judge.sample(ask(4, first_stream=4))) == ["only"]
    assert judge.max_samples == 1
    assert [(payload["n"], payload["seed"]) for payload in server.chats] == [(4, 104), (1, 104)]


async def test_a_refusal_that_is_not_about_n_is_told_as_it_was(server: FakeServer, judges: Any):
    server.answer = lambda payload: Reply.error(400, f"temperature is too hot (n={payload['n']})")
    judge = judges(server.url)
    with pytest.raises(BackendError, match=r"HTTP 400: temperature is too hot \(n=4\)"):
        await judge.sample(ask(4))
    assert judge.max_samples == 64
    assert len(server.chats) == 2


async def test_max_completion_tokens_is_learnt(server: FakeServer, judges: Any):
    def answer(payload: Any) -> Reply:
        if "max_tokens" in payload:
            return Reply.error(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        return chat("fine")

    server.answer = answer
    judge = judges(server.url)
    await judge.sample(ask(1, max_tokens=7))
    await judge.sample(ask(1, max_tokens=7))
    assert [payload.get("max_completion_tokens") for payload in server.chats] == [None, 7, 7]


# Length


async def test_a_prompt_too_long_is_counted_and_not_sent(server: FakeServer, judges: Any):
    server.models = [model(owned_by="vllm", max_model_len=4096)]
    server.tokenize = lambda payload: Reply(
        body={"count": 5213 if len(payload["messages"][0]["content"]) > 9000 else 3000}
    )
    judge = judges(server.url)
    with pytest.raises(
        PromptTooLong, match=r"the prompt is 5,213 tokens; the judge reads 4,096, of which 1,024 are kept"
    ):
        await judge.sample(ask(1, text="x" * 9001, max_tokens=1024))
    assert server.chats == []
    await judge.sample(ask(1, text="x" * 8999, max_tokens=1024))
    assert len(server.chats) == 1


async def test_short_prompts_are_not_counted(server: FakeServer, judges: Any):
    server.models = [model(owned_by="vllm", max_model_len=4096)]
    await judges(server.url).sample(ask(1, text="x" * (4096 - 1024 - 256), max_tokens=1024))
    assert [seen.path for seen in server.seen] == ["/v1/models", "/v1/chat/completions"]


async def test_where_nobody_counts_the_server_decides(server: FakeServer, judges: Any):
    server.models = [model(max_model_len=100)]
    server.answer = lambda payload: Reply.error(400, CONTEXT)
    judge = judges(server.url)
    for _ in range(2):
        with pytest.raises(PromptTooLong, match="maximum context length is 4096"):
            await judge.sample(ask(4, text="x" * 200))
    paths = [seen.path for seen in server.seen]
    assert paths == ["/v1/models", "/tokenize", "/v1/chat/completions", "/v1/chat/completions"]


@pytest.mark.parametrize("reply", [RESET, Reply.error(400, "odd"), HTML], ids=["reset", "400", "html"])
async def test_a_count_that_fails_stops_nothing(server: FakeServer, judges: Any, reply: Reply):
    server.models = [model(max_model_len=100)]
    server.tokenize = lambda _: reply
    assert len((await judges(server.url).sample(ask(1, text="x" * 200))).generations) == 1


async def test_prompts_too_long_do_not_count_as_failures(server: FakeServer, judges: Any):
    server.answer = lambda _: Reply.error(400, CONTEXT)
    judge = judges(server.url)
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(PromptTooLong):
            await judge.sample(ask(1))


async def test_text_that_is_none(server: FakeServer, judges: Any):
    with pytest.raises(BackendError, match="prompt of 'x' is not valid text"):
        await judges(server.url).sample(ask(1, text="half a pair: \ud83d"))


# The key and the settings


async def test_the_key_is_in_no_error_and_no_log(
    server: FakeServer, judges: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(KEY_ENV, SECRET)
    echo = f"I was sent Bearer {SECRET}"
    judge = judges(server.url, retries=2)
    shown = repr(judge)
    for reply in (Reply.error(500, echo), Reply.error(400, echo), Reply.error(403, echo), Reply(body=echo.encode())):
        server.script(reply, reply)
        with pytest.raises(BackendError) as caught:
            await judge.sample(ask(2))
        shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        server._script.clear()
    server.answer = lambda payload: chat("t") if payload["n"] == 1 else Reply.error(400, echo)
    await judge.sample(ask(2))
    shown += "".join(str(vars(record)) for record in caplog.records)
    assert "[key]" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("bad", ["sk-\u00fcber", "sk-two\nlines"])
async def test_a_key_that_cannot_be_sent_is_not_shown(bad: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEY_ENV, bad)
    with pytest.raises(BackendDown, match=f"the key in {KEY_ENV} holds characters") as caught:
        HttpBackend(["http://h/v1"], settings=HttpSettings(api_key_env=KEY_ENV))
    assert bad not in str(caught.value)


async def test_loopback_goes_through_no_proxy(server: FakeServer, judges: Any, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, dead_url())
    assert len((await judges(server.url).sample(ask(1))).generations) == 1
    assert len((await judges(server.url.replace("127.0.0.1", "localhost")).sample(ask(1))).generations) == 1


@pytest.mark.parametrize("name", ["concurrency", "timeout_s", "retries", "wait_initial_s", "wait_max_s", "max_samples"])
async def test_settings_are_positive(name: str):
    with pytest.raises(ValueError, match=f"{name} is 0; expected a positive number"):
        HttpSettings(**{name: 0})


@pytest.mark.parametrize("bad", [SECRET, "", "KEY\n", "1KEY", "A B", "\u00fc", None])
async def test_a_key_in_place_of_its_variable_is_not_shown(bad: Any):
    with pytest.raises(ValueError, match=r"^api_key_env takes the name .*OPENAI_API_KEY; .* is not shown$") as caught:
        HttpSettings(api_key_env=bad)
    assert not bad or bad not in str(caught.value)


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        ([], "at least one URL"),
        ("http://h/v1", "expected a list"),
        (["h/v1"], "base URL is"),
        (["http://ü..x"], "IDNA"),
    ],
)
async def test_urls_are_checked_at_once(urls: Any, words: str):
    with pytest.raises(ValueError, match=words):
        HttpBackend(urls)


async def test_closing_twice_and_using_again(server: FakeServer, judges: Any):
    judge = judges(server.url)
    await judge.aclose()
    await judge.sample(ask(1))
    await judge.aclose()
    await judge.aclose()
    assert texts(await judge.sample(ask(1))) == ["seed 100"]
    assert repr(judge) == f"HttpBackend(['{server.url}'], None)"


async def test_one_backend_in_two_event_loops(server: FakeServer):
    judge = HttpBackend([server.url])

    async def once() -> list[str | None]:
        try:
            return texts(await judge.sample(ask(1)))
        finally:
            await judge.aclose()

    for _ in range(2):
        assert await asyncio.to_thread(asyncio.run, once()) == ["seed 100"]
