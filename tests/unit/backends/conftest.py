"""For what is tested over HTTP, a scripted server and backends that wait only briefly; for the rest, a tiny model."""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from grmkit.backends.http import HttpBackend, HttpSettings

sys.path.insert(0, str(Path(__file__).parents[2]))  # where fake_server.py lies

from fake_server import FakeServer
from tiny_model import make_model

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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that runs in a blink: for transformers, and in its subfolder `ctranslate2`. Not to be written to."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model_copy(tiny_model: Path, tmp_path: Path) -> Path:
    """The same model, to be broken at will."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))
