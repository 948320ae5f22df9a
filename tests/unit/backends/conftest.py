"""A scripted server, and backends that wait only briefly, for all that is tested over HTTP."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio

from grmkit.backends.http import HttpBackend, HttpSettings

sys.path.insert(0, str(Path(__file__).parents[2]))  # where fake_server.py lies

from fake_server import FakeServer

SHORT = {"retries": 3, "wait_initial_s": 0.01, "wait_max_s": 0.02, "timeout_s": 5.0, "api_key_env": "GRMKIT_TEST_KEY"}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        yield running


@pytest_asyncio.fixture
async def judges() -> AsyncIterator[Any]:
    """Makes backends, and closes them at the end: `judges(url, ..., name="judge", retries=1)`."""
    async with AsyncExitStack() as stack:

        def make(*urls: str, name: str | None = None, **settings: Any) -> HttpBackend:
            judge = HttpBackend(urls, name, settings=HttpSettings(**SHORT | settings))
            stack.push_async_callback(judge.aclose)
            return judge

        yield make
