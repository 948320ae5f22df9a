"""What the HTTP backend does when servers refuse, break, hang or are busy."""

import asyncio
import logging
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from fake_server import HANG, HTML, RESET, FakeServer, Reply, chat
from grmkit.backends import Answer, Request, Sampling
from grmkit.backends.http import MAX_FAILURES
from grmkit.errors import BackendDown, BackendError
from grmkit.types import Message

pytestmark = pytest.mark.asyncio


def ask(num_samples: int = 4, *, first_stream: int = 0, seed: int = 100, text: str = "?", **sampling: Any) -> Request:
    return Request(
        (Message("user", text),), num_samples, first_stream, seed, Sampling(**sampling), "x", "key of x", (0, 1)
    )


def texts(answer: Answer) -> list[str | None]:
    return [generation.text for generation in answer.generations]


# Retries


@pytest.mark.parametrize(
    "trouble",
    [
        Reply.error(408, "late"),
        Reply.error(429, "slow down"),
        Reply.error(500, "oops"),
        Reply.error(503, "busy"),
        RESET,
        Reply(body={"choices": []}, is_cut_short=True),
        HANG,
    ],
    ids=["408", "429", "500", "503", "reset", "cut short", "timeout"],
)
async def test_what_may_pass_is_tried_again(server: FakeServer, judges: Any, trouble: Reply):
    server.script(trouble, trouble)
    answer = await judges(server.url, timeout_s=0.1).sample(ask(2))
    assert texts(answer) == ["seed 100", "seed 101"]
    assert len(server.chats) == 3


async def test_retry_after_in_seconds(server: FakeServer, judges: Any):
    server.script(Reply.error(429, "slow down", retry_after="0.3"))
    before = time.monotonic()
    await judges(server.url).sample(ask(1))
    assert 0.3 <= time.monotonic() - before < 1.5


async def test_retry_after_as_a_date(server: FakeServer, judges: Any):
    when = datetime.now(UTC) + timedelta(seconds=2)  # dates have no fractions: one to two seconds from now
    server.script(Reply.error(503, "busy", retry_after=format_datetime(when, usegmt=True)))
    before = time.monotonic()
    await judges(server.url).sample(ask(1))
    assert time.monotonic() - before > 0.8


async def test_a_wait_beyond_all_patience_is_not_waited(server: FakeServer, judges: Any):
    server.script(Reply.error(429, "quota used up", retry_after="3600"))
    with pytest.raises(BackendError, match=r"quota used up \(and not to ask again for 3,600 s\)"):
        await judges(server.url).sample(ask(1))
    assert len(server.chats) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
async def test_a_refusal_is_never_tried_again(server: FakeServer, judges: Any, status: int):
    server.script(Reply.error(status, "The model refuses"))
    with pytest.raises(BackendError, match=f"HTTP {status}: The model refuses") as caught:
        await judges(server.url).sample(ask(1))
    assert isinstance(caught.value, BackendDown) == (status in (401, 403, 404))
    assert len(server.chats) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_was_taken_once_is_not_wrong(server: FakeServer, judges: Any, status: int):
    """Gateways answer 403 to a single prompt that their moderation dislikes."""
    judge = judges(server.url)
    await judge.sample(ask(1))
    server.script(*[Reply.error(status, "flagged")] * (MAX_FAILURES + 1))
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(BackendError, match=f"HTTP {status}: flagged; .*only this one counts as refused") as caught:
            await judge.sample(ask(1))
        assert not isinstance(caught.value, BackendDown)
    assert texts(await judge.sample(ask(1))) == ["seed 100"]


async def test_a_server_that_hangs_is_told_of_after_three_timeouts(server: FakeServer, judges: Any):
    server.answer = lambda _: HANG
    with pytest.raises(BackendError, match=r"no answer within 0\.05 s after 3 tries"):
        await judges(server.url, timeout_s=0.05, retries=6).sample(ask(1))
    assert len(server.chats) == 3


async def test_only_timeouts_count_as_timeouts(server: FakeServer, judges: Any):
    server.script(Reply.error(503, "busy"), HANG, Reply.error(503, "busy"), HANG, Reply.error(503, "busy"))
    assert texts(await judges(server.url, timeout_s=0.05, retries=6).sample(ask(1))) == ["seed 100"]


async def test_waiting_is_told_of_but_not_each_time(
    server: FakeServer, judges: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.WARNING, "grmkit")
    judge = judges(server.url, retries=6)
    for now_s, num_lines in ((100.0, 1), (109.9, 1), (110.1, 2)):
        clock = SimpleNamespace(monotonic=lambda now_s=now_s: now_s)
        monkeypatch.setattr("grmkit.backends.limiter.time", clock)
        server.script(*[Reply.error(503, "busy")] * 3)
        await judge.sample(ask(1))
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("grmkit")]
        assert len(lines) == num_lines
    assert lines[0].startswith(
        f"{server.url}/chat/completions: HTTP 503: busy; that was try 1 of 6, the next is in 0.0"
    )


async def test_a_timeout_is_told_of_as_one_of_three(server: FakeServer, judges: Any, caplog: pytest.LogCaptureFixture):
    server.script(HANG)
    await judges(server.url, timeout_s=0.05, retries=6).sample(ask(1))
    assert "no answer within 0.05 s; that was try 1 of 3" in caplog.text


async def test_the_last_failure_is_no_retry(server: FakeServer, judges: Any, caplog: pytest.LogCaptureFixture):
    server.script(Reply.error(503, "busy"))
    with pytest.raises(BackendError, match="busy"):
        await judges(server.url, retries=1).sample(ask(1))
    assert "that was try" not in caplog.text


async def test_retries_draw_nothing_from_the_global_generator(server: FakeServer, judges: Any):
    before = random.getstate()
    server.script(Reply.error(503, "busy"), RESET, Reply.error(429, "slow down", retry_after="0.01"))
    await judges(server.url, retries=4).sample(ask(1))
    assert len(server.chats) == 4
    assert random.getstate() == before


async def test_it_gives_up_after_its_tries(server: FakeServer, judges: Any):
    server.answer = lambda _: Reply.error(503, "overloaded")
    with pytest.raises(BackendError, match=r"/v1/chat/completions: HTTP 503 after 3 tries: overloaded$"):
        await judges(server.url).sample(ask(1))
    assert len(server.chats) == 3


async def test_a_server_that_died_stops_the_run(judges: Any):
    async with FakeServer() as server:
        judge = judges(server.url, retries=1)
        await judge.sample(ask(1))
    for _ in range(MAX_FAILURES - 1):
        with pytest.raises(BackendError, match="cannot connect") as caught:
            await judge.sample(ask(1))
        assert not isinstance(caught.value, BackendDown)
    with pytest.raises(BackendDown, match="20 requests failed in a row: is the server still up"):
        await judge.sample(ask(1))


async def test_a_success_starts_the_count_of_failures_again(server: FakeServer, judges: Any):
    judge = judges(server.url, retries=1)
    for _ in range(2):
        server.script(*[Reply.error(500, "oops")] * (MAX_FAILURES - 1))
        for _ in range(MAX_FAILURES - 1):
            with pytest.raises(BackendError, match="oops"):
                await judge.sample(ask(1))
        await judge.sample(ask(1))


async def test_a_cancelled_request_ends_at_once(server: FakeServer, judges: Any):
    server.script(HANG)
    judge = judges(server.url, concurrency=1)
    await judge.identity()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(judge.sample(ask(1)), 0.1)
    assert len(server.chats) == 1
    assert texts(await judge.sample(ask(1))) == ["seed 100"]


# Answers that are none


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (HTML, "answered '<!doctype html>"),
        (Reply(body={"id": "x"}), 'answered \'{"id":"x"}\''),
        (Reply(body={"choices": []}), "expected a chat completion with choices"),
        (Reply(body={"error": {"message": "upstream is gone"}}), "answered 'upstream is gone'"),
    ],
)
async def test_malformed_answers(server: FakeServer, judges: Any, reply: Reply, words: str):
    server.script(reply)
    with pytest.raises(BackendError, match=words) as caught:
        await judges(server.url).sample(ask(1))
    assert server.url in str(caught.value)
    assert len(server.chats) == 1


async def test_good_choices_beside_a_malformed_one_are_kept(server: FakeServer, judges: Any):
    body = chat("a", "b", "c").body
    body["choices"][1]["finish_reason"] = 7
    server.script(Reply(body=body | {"usage": "many"}))
    answer = await judges(server.url).sample(ask(3))
    assert [(found.text, found.finish_reason) for found in answer.generations] == [
        ("a", "stop"),
        (None, "malformed"),
        ("c", "stop"),
    ]
    assert answer.prompt_tokens is None


async def test_malformed_models_are_no_judge(server: FakeServer, judges: Any):
    server.models = Reply(body={"data": [{"id": ["judge"]}, {"id": 7}]})
    with pytest.raises(BackendDown, match="expected a list of models"):
        await judges(server.url, name="judge").identity()


# Concurrency


async def test_concurrency_is_bounded_and_used(server: FakeServer, judges: Any):
    server.answer = lambda _: Reply(body=chat("t").body, delay_s=0.01)
    judge = judges(server.url, concurrency=8)
    await asyncio.gather(*(judge.sample(ask(1)) for _ in range(40)))
    assert server.max_open == 8
    assert judge.concurrency == 8


async def test_a_busy_server_is_asked_less(server: FakeServer, judges: Any):
    """It takes four at a time and refuses the rest; everybody is answered in the end."""

    def answer(_: Any) -> Reply:
        return Reply.error(429, "slow down") if server.num_open > 4 else Reply(body=chat("t").body, delay_s=0.02)

    server.answer = answer
    judge = judges(server.url, concurrency=32, retries=8, wait_initial_s=0.05, wait_max_s=0.2)
    answers = await asyncio.gather(*(judge.sample(ask(1)) for _ in range(100)))
    assert len(answers) == 100
    assert judge._lanes.lanes[0].pace.limit < 32


async def test_nobody_holds_a_place_while_waiting_to_retry(server: FakeServer, judges: Any):
    server.script(Reply.error(429, "slow down", retry_after="0.4"))
    judge = judges(server.url, concurrency=1)
    await judge.identity()
    slow = asyncio.create_task(judge.sample(ask(1)))
    await asyncio.sleep(0.1)
    assert texts(await asyncio.wait_for(judge.sample(ask(1)), 0.25)) == ["seed 100"]
    assert not slow.done()
    await slow


async def test_servers_share_the_work(server: FakeServer, judges: Any):
    async with FakeServer() as other:
        server.answer = other.answer = lambda _: Reply(body=chat("t").body, delay_s=0.005)
        judge = judges(server.url, other.url, concurrency=8)
        await asyncio.gather(*(judge.sample(ask(1)) for _ in range(40)))
        assert min(len(server.chats), len(other.chats)) > 10
        assert server.max_open == other.max_open == 4


async def test_a_server_that_dies_leaves_its_work_to_the_others(server: FakeServer, judges: Any):
    async with FakeServer() as other:
        judge = judges(server.url, other.url, concurrency=8, retries=2)
        await judge.identity()
    answers = await asyncio.gather(*(judge.sample(ask(1)) for _ in range(60)))
    assert len(answers) == 60
