"""An OpenAI-compatible server on this machine that does what a test tells it: answers, refuses, breaks, hangs.

    async with FakeServer() as server:
        server.script(Reply.error(429, "slow down", retry_after="0.1"), RESET)
        ... HttpBackend([server.url], "judge") ...
        assert len(server.chats) == 3

Each chat request takes the next thing from the script; when that is empty, `answer` decides.
"""

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; one with `status` 0 cuts the connection instead, one with `delay_s` comes late."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    is_cut_short: bool = False

    @classmethod
    def error(cls, status: int, message: str, retry_after: str | None = None) -> Self:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return cls(status, {"error": {"message": message, "type": "test", "code": status}}, headers)

    def to_bytes(self) -> bytes:
        is_raw = isinstance(self.body, bytes)
        body = self.body if is_raw else json.dumps(self.body).encode()
        headers = {"Content-Type": "text/html" if is_raw else "application/json", "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {self.status} Because", *(f"{k}: {v}" for k, v in (headers | self.headers).items())]
        body = body[: len(body) // 2] if self.is_cut_short else body
        return "\r\n".join([*lines, "", ""]).encode() + body


RESET = Reply(0)
HANG = Reply(delay_s=3600.0)
HTML = Reply(body=b"<!doctype html><title>Welcome to nginx!</title>" + b"<p>no judge here</p>" * 50)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    payload: Any


def chat(*texts: str | None, finish_reason: str = "stop", **message: Any) -> Reply:
    """A chat completion with these texts; further arguments are fields of every message."""
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish_reason}
        for i, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 11, "completion_tokens": 7 * len(texts)}
    return Reply(body={"object": "chat.completion", "choices": choices, "usage": usage})


def say_seeds(payload: Any) -> Reply:
    """As vLLM does it: child i of a request is drawn with seed + i."""
    return chat(*(f"seed {payload['seed'] + i}" for i in range(payload["n"])))


def model(name: str = "judge", **fields: Any) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1, **fields}


def dead_url() -> str:
    """A port of this machine where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


class FakeServer:
    """Listens on a free port of 127.0.0.1 while the `async with` block lasts.

    Attributes:
        answer: What an unscripted chat request gets, from its payload.
        models: What `/v1/models` lists; a Reply is sent as it is, a function is asked each time.
        tokenize: What `/tokenize` answers; None means there is no such route.
        api_key: The key asked for; None lets everybody in.
        seen: Every request, in order.
        num_open: How many chat requests are being answered; `max_open` the most so far.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Any], Reply] = say_seeds
        self.models: list[dict[str, Any]] | Reply | Callable[[], Reply] = [model()]
        self.tokenize: Callable[[Any], Reply] | None = None
        self.api_key: str | None = None
        self.seen: list[Seen] = []
        self.num_open = self.max_open = 0
        self._script: deque[Reply] = deque()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def script(self, *replies: Reply) -> None:
        self._script.extend(replies)

    @property
    def chats(self) -> list[Any]:
        """The payloads of the chat requests so far."""
        return [seen.payload for seen in self.seen if seen.path == "/v1/chat/completions"]

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        seen = Seen(method, path, headers, json.loads(body) if body else None)
        self.seen.append(seen)
        if path != "/v1/chat/completions":
            return await _send(self._reply(seen), writer)
        self.num_open += 1
        self.max_open = max(self.max_open, self.num_open)
        try:
            return await _send(self._reply(seen), writer)
        finally:
            self.num_open -= 1

    def _reply(self, seen: Seen) -> Reply:
        if self.api_key is not None and seen.headers.get("authorization") != f"Bearer {self.api_key}":
            return Reply.error(401, f"Incorrect API key provided: {seen.headers.get('authorization', 'none')}")
        if seen.path == "/v1/models":
            return self._models()
        if seen.path == "/tokenize" and self.tokenize is not None:
            return self.tokenize(seen.payload)
        if seen.path != "/v1/chat/completions":
            return Reply(404, {"detail": "Not Found"})
        return self._script.popleft() if self._script else self.answer(seen.payload)

    def _models(self) -> Reply:
        if isinstance(self.models, list):
            return Reply(body={"object": "list", "data": self.models})
        return self.models if isinstance(self.models, Reply) else self.models()


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(reply.delay_s)
    if reply.status == 0:
        writer.transport.abort()
        return False
    writer.write(reply.to_bytes())
    await writer.drain()
    return not reply.is_cut_short
