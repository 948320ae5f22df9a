"""A judge that repeats recorded answers: replays a run, or scores with answers that others have published."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from grmkit.backends.alternatives import Pairs
from grmkit.backends.protocol import Answer, Generation, Request, Sampling
from grmkit.errors import DataError, NotRecorded
from grmkit.types import content_key

MAX_SAMPLES = 1 << 20
CONCURRENCY = 64
REQUIRED = ("id", "order", "text")
OPTIONAL = ("finish_reason", "reasoning", "prompt_tokens", "completion_tokens", "stream")
EXPORTED = ("content", "model", "template", "fingerprint", "sampling", "created", "neutralised", "logprobs")
"""What `grm ledger export` tells besides; of use here are `content`, and `logprobs` with alternatives."""


Orders = dict[tuple[int, ...], dict[int, "Record"]]
"""The answers for one example, by order and stream."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file of answers: which sample of which prompt it is, and what the judge wrote.

    `key` is the hash of what was judged, if the row tells that.
    """

    id: str
    key: str | None
    order: tuple[int, ...]
    generation: Generation
    prompt_tokens: int | None
    completion_tokens: int | None
    stream: int | None


class RecordedBackend:
    """Answers from a JSONL file, plain or gzipped.

    A row is `{"id", "order", "text"}`, with `finish_reason`, `reasoning`, `prompt_tokens`,
    `completion_tokens` and `stream` if known. `id` is the example's, `order` the order its responses were
    shown in. Rows of the same example and order are streams 0, 1, 2... as they come, unless they say otherwise.

    Rows that tell the `content` that was judged, as `grm ledger export` writes them, answer for that content
    under any id, and for no other; rows without answer for their id.

    Raises:
        DataError: If the file cannot be read or a row cannot be used; says which.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._by_key: dict[str, Orders] = {}
        self._by_id: dict[str, Orders] = {}
        self._ids_with_content: set[str] = set()
        try:
            with self._path.open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                self._read(file)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self._path}: cannot be read: {error}") from None

    @property
    def max_samples(self) -> int:
        return MAX_SAMPLES

    @property
    def block_size(self) -> int:
        return 1

    @property
    def concurrency(self) -> int:
        return CONCURRENCY

    async def identity(self) -> Mapping[str, Any]:
        return {"kind": "recorded", "sha256": self._sha256}

    async def sample(self, request: Request) -> Answer:
        """The recorded answers from `first_stream` on, as many as there are without a gap.

        Raises:
            NotRecorded: If there is none for `first_stream`.
        """
        orders = self._by_key.get(request.example_key) or self._by_id.get(request.example_id) or {}
        held = orders.get(request.order, {})
        records: list[Record] = []
        for stream in range(request.first_stream, request.first_stream + request.num_samples):
            if stream not in held:
                break
            records.append(held[stream])
        if not records:
            raise NotRecorded(
                f"{self._path} holds {len(held)} answers for id {request.example_id!r} in order "
                f"{list(request.order)}; stream {request.first_stream} was asked{self._hint(request, orders)}"
            )
        written = [record.completion_tokens for record in records if record.completion_tokens is not None]
        return Answer(
            tuple(_asked(record.generation, request.sampling) for record in records),
            records[0].prompt_tokens,
            sum(written) if len(written) == len(records) else None,
        )

    async def aclose(self) -> None:
        pass

    def _read(self, file: BinaryIO) -> None:
        for number, line in enumerate(_lines(file), start=1):
            if not line.strip():
                continue
            try:
                self._keep(_record(line))
            except ValueError as error:
                raise DataError(f"{self._path}:{number}: {error}") from None

    def _hint(self, request: Request, orders: Orders) -> str:
        if request.order in orders:
            return ": ask for fewer samples"
        if orders:
            count = sum(map(len, orders.values()))
            return f"; there are {count} in other orders: ask for fewer samples, and with the seed they were drawn with"
        if request.example_id in self._ids_with_content:
            return ": what is recorded under this id is about another query or other responses"
        return ""

    def _keep(self, record: Record) -> None:
        if record.key is None:
            orders = self._by_id.setdefault(record.id, {})
        else:
            orders = self._by_key.setdefault(record.key, {})
            self._ids_with_content.add(record.id)
        held = orders.setdefault(record.order, {})
        stream = len(held) if record.stream is None else record.stream
        if stream in held:
            raise ValueError(
                f"stream {stream} of id {record.id!r} in order {list(record.order)} is there already; "
                "expected every stream once"
            )
        held[stream] = record


def _lines(file: BinaryIO) -> Iterator[bytes]:
    is_gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    with gzip.GzipFile(fileobj=file) if is_gzipped else nullcontext(file) as lines:
        yield from lines


def _record(line: bytes) -> Record:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise ValueError(f"row is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"row is {_shown(row)}; expected an object with {', '.join(REQUIRED)}")
    for key in REQUIRED:
        if key not in row:
            raise ValueError(f"{key} is missing; expected {', '.join(REQUIRED)} and perhaps {', '.join(OPTIONAL)}")
    unknown = row.keys() - {*REQUIRED, *OPTIONAL, *EXPORTED}
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}; expected {', '.join((*REQUIRED, *OPTIONAL))}")
    if not isinstance(row["id"], str):
        raise ValueError(f"id is {_shown(row['id'])}; expected text")
    said = (_text(row, "text"), _text(row, "finish_reason"), _text(row, "reasoning"))
    generation = Generation(*said, *_logprobs(row.get("logprobs")))
    counts = (_count(row, "prompt_tokens"), _count(row, "completion_tokens"), _count(row, "stream"))
    return Record(row["id"], _key(row.get("content")), _order(row["order"]), generation, *counts)


def _asked(generation: Generation, sampling: Sampling) -> Generation:
    return generation if sampling.alternatives else replace(generation, logprobs=None, alternatives=None)


def _logprobs(rows: Any) -> tuple[Pairs, tuple[Pairs | None, ...]] | tuple[None, None]:
    """What was written and what else was likely, as `grm ledger export` tells it; nothing without."""
    try:
        pairs = tuple((row[0] + "", float(row[1])) for row in rows or ())
        others = tuple(
            tuple((token + "", float(value)) for token, value in row[2]) if len(row) > 2 else None for row in rows or ()
        )
    except (TypeError, ValueError, LookupError):
        return None, None
    return (pairs, others) if any(other is not None for other in others) else (None, None)


def _key(content: Any) -> str | None:
    if content is not None and not isinstance(content, dict):
        raise ValueError(f"content is {_shown(content)}; expected an object with what was judged, or null")
    return None if content is None else content_key(content)


def _order(value: Any) -> tuple[int, ...]:
    is_order = isinstance(value, list) and all(isinstance(index, int) and index >= 0 for index in value)
    if not is_order or not value or len(set(value)) < len(value):
        raise ValueError(f"order is {_shown(value)}; expected the indices of the responses, as they were shown")
    return tuple(value)


def _text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is {_shown(value)}; expected text or null")
    return value


def _count(row: dict[str, Any], key: str) -> int | None:
    value = row.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ValueError(f"{key} is {_shown(value)}; expected a whole number from 0 on")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
