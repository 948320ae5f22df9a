"""The public fake: deterministic, well formed, and it remembers."""

import re
import time

import pytest

from grmkit.backends import Answer, Generation, Request, Sampling
from grmkit.backends.fake import FakeBackend
from grmkit.errors import BackendError
from grmkit.types import Message

pytestmark = pytest.mark.asyncio


def ask(num_samples: int = 4, *, first_stream: int = 0, seed: int = 0, order: tuple[int, ...] = (0, 1)) -> Request:
    messages = (Message("user", "which is best?"),)
    return Request(messages, num_samples, first_stream, seed, Sampling(), "x", "key of x", order)


def texts(answer: Answer) -> list[str | None]:
    return [generation.text for generation in answer.generations]


async def test_the_default_answer_is_a_deepseek_grm_answer():
    judge = FakeBackend()
    (text,) = texts(await judge.sample(ask(1, order=(2, 0, 1))))
    assert text is not None
    assert [text.index(title) for title in ("Specific Criteria:", "Analysis:", "Scores:")] == sorted(
        text.index(title) for title in ("Specific Criteria:", "Analysis:", "Scores:")
    )
    found = re.search(r"\\boxed\{(.+)\}$", text)
    assert found is not None
    scores = [int(score) for score in found[1].split(", ")]
    assert len(scores) == 3
    assert all(1 <= score <= 10 for score in scores)


async def test_it_depends_on_seed_and_stream_and_nothing_else():
    first, again = await FakeBackend().sample(ask(8)), await FakeBackend().sample(ask(8))
    assert first == again
    assert len(set(texts(first))) > 1
    assert texts(await FakeBackend().sample(ask(3, first_stream=5))) == texts(first)[5:]
    assert texts(await FakeBackend().sample(ask(8, seed=1))) != texts(first)


async def test_it_says_what_the_function_says_and_remembers_what_it_was_asked():
    judge = FakeBackend(lambda request, stream: f"{request.example_id}{stream}")
    request = ask(2, first_stream=3)
    answer = await judge.sample(request)
    assert answer.generations == (Generation("x3", "stop"), Generation("x4", "stop"))
    assert judge.requests == [request]
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 2)


async def test_a_whole_generation_is_passed_on():
    cut = Generation(None, "length", reasoning="hm")
    answer = await FakeBackend(lambda *_: cut).sample(ask(1))
    assert answer.generations == (cut,)


async def test_the_function_can_play_a_judge_in_trouble():
    def fail(request: Request, stream: int) -> str:
        raise BackendError("out of order")

    with pytest.raises(BackendError, match="out of order"):
        await FakeBackend(fail).sample(ask())


async def test_saying_goes_round():
    judge = FakeBackend.saying("a", "b")
    assert texts(await judge.sample(ask(3, first_stream=1))) == ["b", "a", "b"]


async def test_saying_nothing_is_refused():
    with pytest.raises(ValueError, match="texts is empty"):
        FakeBackend.saying()


async def test_it_gives_at_most_max_samples():
    judge = FakeBackend(max_samples=2, concurrency=3)
    assert len((await judge.sample(ask(5))).generations) == 2
    assert (judge.max_samples, judge.concurrency) == (2, 3)


async def test_it_can_play_a_judge_that_draws_blocks():
    assert (FakeBackend().block_size, FakeBackend(block_size=4).block_size) == (1, 4)


async def test_latency():
    before = time.monotonic()
    await FakeBackend(latency_s=0.05).sample(ask(1))
    assert time.monotonic() - before >= 0.05


async def test_identity_tells_fakes_apart():
    assert await FakeBackend().identity() == {"kind": "fake", "name": "grm_answer"}
    assert await FakeBackend(name="mine").identity() == {"kind": "fake", "name": "mine"}
    assert await FakeBackend.saying("a").identity() != await FakeBackend.saying("b").identity()
    await FakeBackend().aclose()
