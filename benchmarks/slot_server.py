"""A judge without a model, for benchmarks: an OpenAI-compatible server with a fixed number of slots.

A request takes one slot for a log-normal time, whatever its `n`; more requests than slots wait their turn. The i-th
request to get a slot is held for the i-th latency of the seed, so every client meets the same latencies, and the
shortest possible run is known: `ideal_wall_s`, that of a client with the next request always waiting.

    python benchmarks/slot_server.py --slots 64            # prints its base URL, then serves until it is killed
    curl http://127.0.0.1:PORT/stats
"""

import argparse
import asyncio
import heapq
import math
import random
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

MODEL = "bench-judge"
P99_SCORE = 2.326347874  # standard deviations above the median, on a log scale
NUM_ANALYSES = 509  # ready-made texts; every answer gets a number of its own as well, so that no two are the same
CHARS_PER_TOKEN = 4
WORDS = (
    "the response answer query asked names gives step result claim source detail reader clear accurate wrong missing "
    "because although therefore while first second also but only partly fully correctly explains omits repeats"
).split()


@dataclass(slots=True)
class Slots:
    """Who holds a slot, who waits, and for how long slots were busy."""

    num: int
    latencies: "Latencies"
    busy: int = 0
    waiting: deque["Connection"] = field(default_factory=deque)
    busy_s: float = 0.0
    in_flight_s: float = 0.0
    peak_in_flight: int = 0
    num_answered: int = 0
    first_s: float | None = None
    last_start_s: float = 0.0
    last_s: float = 0.0
    busy_at_last_start_s: float = 0.0
    _changed_s: float = 0.0

    def enter(self, connection: "Connection") -> None:
        self._integrate()
        self.waiting.append(connection)
        self.peak_in_flight = max(self.peak_in_flight, self.busy + len(self.waiting))
        self._start()

    def leave(self) -> None:
        self._integrate()
        self.busy -= 1
        self.num_answered += 1
        self.last_s = self._changed_s
        self._start()

    def _start(self) -> None:
        while self.waiting and self.busy < self.num:
            self.busy += 1
            self.last_start_s, self.busy_at_last_start_s = self._changed_s, self.busy_s
            asyncio.get_running_loop().call_later(self.latencies.draw(), self.waiting.popleft().answer)

    def _integrate(self) -> None:
        now = time.perf_counter()
        if self.first_s is None:
            self.first_s = self._changed_s = now
        elapsed = now - self._changed_s
        self.busy_s += elapsed * self.busy
        self.in_flight_s += elapsed * (self.busy + len(self.waiting))
        self._changed_s = now

    def stats(self) -> dict[str, Any]:
        first_s = self.first_s or 0.0
        wall_s, loaded_s = self.last_s - first_s, self.last_start_s - first_s
        ideal_s = ideal_wall_s(self.latencies.drawn, self.num)
        return {
            "slots": self.num,
            "requests": self.num_answered,
            "wall_s": wall_s,
            "ideal_wall_s": ideal_s,
            "busy_slot_s": self.busy_s,
            "drawn_slot_s": math.fsum(self.latencies.drawn),
            "utilisation": _ratio(self.busy_s, self.num * wall_s),
            "utilisation_while_loaded": _ratio(self.busy_at_last_start_s, self.num * loaded_s),
            "ideal_utilisation": _ratio(math.fsum(self.latencies.drawn), self.num * ideal_s),
            "mean_in_flight": _ratio(self.in_flight_s, wall_s),
            "peak_in_flight": self.peak_in_flight,
            "server_cpu_s": time.process_time(),
        }


@dataclass(slots=True)
class Latencies:
    """Seconds, log-normal around this median with this 99th percentile."""

    median_s: float
    p99_s: float
    generator: random.Random
    drawn: list[float] = field(default_factory=list)

    def draw(self) -> float:
        sigma = math.log(self.p99_s / self.median_s) / P99_SCORE
        self.drawn.append(self.generator.lognormvariate(math.log(self.median_s), sigma))
        return self.drawn[-1]


class Writer:
    """Writes judgments: in the DeepSeek-GRM format, or as JSON if the request asks for a `response_format`."""

    def __init__(self, num_chars: int, generator: random.Random) -> None:
        self._generator = generator
        self._analyses = [_prose(generator, num_chars) for _ in range(NUM_ANALYSES)]
        self._num_written = 0

    def completion(self, payload: dict[str, Any]) -> bytes:
        prompt = "\n".join(message["content"] for message in payload["messages"])
        num_responses = max(1, prompt.count("[The Begin of Response"))
        write = self._json if payload.get("response_format") else self._deepseek_grm
        texts = [write(num_responses) for _ in range(payload.get("n") or 1)]
        choices = [
            {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for i, text in enumerate(texts)
        ]
        num_read, num_written = len(prompt) // CHARS_PER_TOKEN, sum(map(len, texts)) // CHARS_PER_TOKEN
        usage = {"prompt_tokens": num_read, "completion_tokens": num_written, "total_tokens": num_read + num_written}
        head = {"id": f"chatcmpl-{self._num_written}", "object": "chat.completion", "created": 1, "model": MODEL}
        return orjson.dumps(head | {"choices": choices, "usage": usage})

    def _deepseek_grm(self, num_responses: int) -> str:
        scores = ", ".join(str(self._generator.randint(1, 10)) for _ in range(num_responses))
        return (
            "Specific Criteria:\n1. **Accuracy** (Weight: 60%): statements and results are right.\n"
            "2. **Clarity** (Weight: 40%): it can be understood at first reading.\n\n"
            f"Analysis:\n{self._analysis()}\n\nScores: \\boxed{{{scores}}}"
        )

    def _json(self, _num_responses: int) -> str:
        score = float(self._generator.randint(0, 1))
        return orjson.dumps({"reason": self._analysis(), "score": score, "metadata": {}}).decode()

    def _analysis(self) -> str:
        self._num_written += 1
        return f"- **Note {self._num_written}**: {self._analyses[self._num_written % NUM_ANALYSES]}"


class Connection(asyncio.Protocol):
    """One client connection: HTTP/1.1, kept alive, one request at a time."""

    def __init__(self, slots: Slots, writer: Writer) -> None:
        self._slots = slots
        self._writer = writer
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._payload: dict[str, Any] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio says so
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end])
        size = _content_length(head)
        if len(self._received) < end + 4 + size:
            return
        body = bytes(self._received[end + 4 : end + 4 + size])
        del self._received[: end + 4 + size]
        self._route(head.split(b" ", 2)[1], body)

    def answer(self) -> None:
        """The slot's time is up."""
        self._send(self._writer.completion(self._payload))
        self._slots.leave()

    def _route(self, path: bytes, body: bytes) -> None:
        if path == b"/v1/chat/completions":
            self._payload = orjson.loads(body)
            self._slots.enter(self)
        elif path == b"/v1/models":
            model = {"id": MODEL, "object": "model", "created": 1, "owned_by": "vllm", "max_model_len": 1 << 16}
            self._send(orjson.dumps({"object": "list", "data": [model]}))
        elif path == b"/stats":
            self._send(orjson.dumps(self._slots.stats()))
        else:
            self._send(orjson.dumps({"error": {"message": "no such route"}}), b"404 Not Found")

    def _send(self, body: bytes, status: bytes = b"200 OK") -> None:
        if self._transport is not None:
            head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
            self._transport.write(head + body)


def ideal_wall_s(latencies: list[float], num_slots: int) -> float:
    """When the last slot is free again if every free slot gets the next request at once."""
    free_at = [0.0] * num_slots
    for latency in latencies:
        heapq.heapreplace(free_at, free_at[0] + latency)
    return max(free_at)


def _prose(generator: random.Random, num_chars: int) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < num_chars:
        words.append(generator.choice(WORDS))
    return " ".join(words)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


async def serve(args: argparse.Namespace) -> None:
    latencies = Latencies(args.median_s, args.p99_s, random.Random(args.seed))
    slots, writer = Slots(args.slots, latencies), Writer(args.answer_chars, random.Random(args.seed + 1))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(slots, writer), "127.0.0.1", args.port, backlog=4096)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake judge with a fixed number of slots.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--median-s", type=float, default=0.5)
    parser.add_argument("--p99-s", type=float, default=2.0)
    parser.add_argument("--answer-chars", type=int, default=1500, help="length of the analysis in each judgment")
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
