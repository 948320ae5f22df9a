"""A FakeServer in a thread of its own, for commands that run their own event loop or are processes of their own."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fake_server import FakeServer, Reply, chat


@contextmanager
def live_server() -> Iterator[FakeServer]:
    server, is_up, stop = FakeServer(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with server:
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    is_up.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def judge_answer(prompt: str, seed: int) -> str:
    """A well-formed judgment whose scores are a hash of prompt and seed."""
    num = max(prompt.count("[The Begin of Response"), 1)
    digest = hashlib.sha256(f"{seed}\0{prompt}".encode()).digest()
    scores = ", ".join(str(1 + digest[place % 32] % 10) for place in range(num))
    return f"Specific Criteria:\n1. Truth (Weight: 100%): is it so\n\nAnalysis:\nweighed\n\nScores: \\boxed{{{scores}}}"


def judge(payload: Any, *, delay_s: float = 0.0) -> Reply:
    """What `FakeServer.answer` can be set to: the same prompt and seed always get the same judgment."""
    prompt = payload["messages"][-1]["content"]
    reply = chat(*(judge_answer(prompt, payload["seed"] + i) for i in range(payload["n"])))
    return Reply(reply.status, reply.body, delay_s=delay_s)
