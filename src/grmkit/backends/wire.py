"""What an OpenAI-compatible server is sent, what it answers, and what its refusals mean, as pure functions."""

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

import orjson

from grmkit.backends.alternatives import MISREAD, read_logprobs
from grmkit.backends.limiter import Unavailable
from grmkit.backends.protocol import Answer, Generation, Request
from grmkit.errors import BackendDown, BackendError, PromptTooLong
from grmkit.types import Message

MAX_QUOTE = 200
MAX_LISTED = 10
WHERE_TO_LOOK = "is the model served there, and is the base URL right (often .../v1)?"
BUSY = (429, 503)
MIN_SECRET = 4  # vLLM users set keys like "x"; cutting those out would only garble messages
MIN_SECRET_IN_TEXT = 8  # and "none" or "EMPTY", which judges write too; nobody's secret is that short
SEED_SPACE = 1 << 31  # llama.cpp and some gateways take 32 bits
MAX_COUNT = 1 << 53  # what JSON carries exactly
KEY_REFUSED = (401, 403)
MALFORMED = Generation(None, "malformed")  # in place of a choice that cannot be read, beside others that can

# What a server tells of a model that may change while the model stays the same.
PASSING = re.compile(r"ctx|context|len|tokens|time|date|created|modified|perm|_at$", re.IGNORECASE)

# Servers that fill sampling fields from the model's own generation_config unless told otherwise, and know these.
EXTENDED_SERVERS = ("vllm", "sglang")
NEUTRAL_SAMPLING = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}

# How vLLM, SGLang, llama.cpp, TGI and the hosted APIs say that a prompt does not fit.
TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|too long|(?:prompt|input|request) is too large|too many (?:input )?tokens"
    r"|exceeds? the max(?:imum)? (?:number|length|context)|longer than the (?:model|maximum)|`inputs` (?:tokens|must)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Key:
    """The server's key, if there is one, and the environment variable it is read from; never shown."""

    env: str
    value: str | None = field(repr=False)

    @property
    def hint(self) -> str:
        return f"the key is read from {self.env}, which is {'not set' if self.value is None else 'set'}"

    def quote(self, text: str) -> str:
        """At most 200 characters of a text on one line, without the key."""
        text = " ".join(self.redact(text).split())
        return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 3] + "..."

    def redact(self, text: str) -> str:
        """The text without the key, however it is written there."""
        if self.value is None or len(self.value) < MIN_SECRET:
            return text
        escaped = json.dumps(self.value)[1:-1]
        for form in (self.value, escaped, escaped.replace("/", "\\/"), percent_encoded(self.value, safe="")):
            text = text.replace(form, "[key]")
        return text

    def redact_text(self, text: str) -> str:
        """The same for what a judge wrote, of which nothing may be cut by mistake."""
        return text if self.value is None or len(self.value) < MIN_SECRET_IN_TEXT else self.redact(text)


class Refused(Exception):
    """The server will not answer this, however often it is asked; `error` says so to the caller."""

    def __init__(self, error: BackendError, *, status: int, message: str) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as a server's `/models` tells of it.

    `root` is what was loaded under this name; `max_model_len` how many tokens it reads, answer included;
    `parent` the model an adapter was trained on; `meta` its size and number of weights, from llama.cpp.
    """

    id: str
    root: str | None = None
    owned_by: str | None = None
    max_model_len: int | None = None
    parent: str | None = None
    meta: tuple[tuple[str, Any], ...] = ()

    @property
    def lasting(self) -> dict[str, Any]:
        """What stays the same as long as the model does."""
        more = {"parent": self.parent, "meta": dict(self.meta)}
        return {"model": self.id, "root": self.root} | {name: value for name, value in more.items() if value}

    @property
    def is_extended(self) -> bool:
        """Whether the server knows more sampling fields than OpenAI's."""
        return self.owned_by in EXTENDED_SERVERS


def check_base_url(url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        ValueError: If it is no http(s) URL, or carries a password or a query, which might hold a key.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError(url)
    except ValueError:
        shown = url.rpartition("@")[2]  # what comes before might be a password
        raise ValueError(f"base URL is {shown!r}; expected something like 'http://127.0.0.1:8000/v1'") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        bare = f"{parts.scheme}://{parts.hostname}{parts.path}"
        raise ValueError(
            f"base URL {bare} carries a user name, password or query; keys are read from the environment only"
        )
    return url.rstrip("/")


def render_chat(request: Request, model: ServedModel, *, num_samples: int, length_field: str) -> bytes:
    """The body of a chat completion request, every sampling field spelled out."""
    sampling = request.sampling
    seed = request.seed + request.first_stream
    payload: dict[str, Any] = {
        "model": model.id,
        "messages": _plain_messages(request.messages),
        "n": num_samples,
        "seed": seed if model.is_extended else seed % SEED_SPACE,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        length_field: sampling.max_tokens,
    }
    if sampling.tells:
        payload["logprobs"] = True
    if sampling.alternatives:
        payload["top_logprobs"] = sampling.alternatives
    if model.is_extended:
        payload |= NEUTRAL_SAMPLING
    return orjson.dumps(payload)


def render_count(messages: Sequence[Message], model: str) -> bytes:
    """The body of vLLM's `/tokenize`."""
    return orjson.dumps({"model": model, "messages": _plain_messages(messages)})


def num_bytes(messages: Sequence[Message]) -> int:
    """At least as many as the messages have tokens: a token is a byte or more."""
    return sum(len(message.content.encode()) for message in messages)


def read_answer(body: bytes, *, where: str, at_most: int, key: Key) -> Answer:
    """The generations in a chat completion, by index; a choice that cannot be read costs only itself.

    Raises:
        BackendError: If it is something else: a web page, an error sent as success, no choices.
    """
    try:
        found = _parse(body)
        choices, usage = found["choices"], found.get("usage")
    except MISREAD:
        choices = usage = None
    generations = _generations(choices, key)[:at_most] if isinstance(choices, list) else []
    if all(generation is MALFORMED for generation in generations):
        raise BackendError(
            f"{where}: answered {key.quote(server_message(body))!r}; expected a chat completion with choices"
        )
    usage = usage if isinstance(usage, dict) else {}
    return Answer(tuple(generations), _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def read_models(body: bytes, *, where: str, key: Key) -> tuple[ServedModel, ...]:
    """The models in the answer of `/models`; entries without a name are left out.

    Raises:
        BackendDown: If it is something else, a web page say.
    """
    try:
        found = orjson.loads(body)
        rows = found if isinstance(found, list) else found["data"]
    except MISREAD:
        rows = None
    named = [row for row in rows if _is_named(row)] if isinstance(rows, list) else []
    if not named and rows != []:
        raise BackendDown(
            f"{where}: answered {key.quote(server_message(body))!r}; expected a list of models; {WHERE_TO_LOOK}"
        )
    return tuple(_served_model(row) for row in named)


def read_count(body: bytes) -> int | None:
    """The token count in the answer of `/tokenize`; None if there is none."""
    try:
        return _count(orjson.loads(body)["count"])
    except MISREAD:
        return None


def pick_model(served: Sequence[ServedModel], wanted: str | None, *, where: str) -> ServedModel:
    """The model called `wanted`, or the only one there is.

    Raises:
        BackendDown: If it is not served, or if none is named and several are.
    """
    by_id = {model.id: model for model in served}
    if wanted is not None and wanted in by_id:
        return by_id[wanted]
    if wanted is None and len(by_id) == 1:
        return served[0]
    names = ", ".join(sorted(by_id)[:MAX_LISTED]) or "none"
    more = f" and {len(by_id) - MAX_LISTED} more" if len(by_id) > MAX_LISTED else ""
    if wanted is None:
        raise BackendDown(f"{where}: serves {len(by_id)} models ({names}{more}); name the one to ask")
    nearest = difflib.get_close_matches(wanted, list(by_id), 1, 0.3)
    hint = f"; the nearest name is {nearest[0]!r}" if nearest else ""
    raise BackendDown(f"{where}: does not serve {wanted!r}; it serves {names}{more}{hint}")


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds until the server wants to be asked again; None if it does not say, or not readably."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def wants_max_completion_tokens(message: str) -> bool:
    """Whether a refusal says to write `max_completion_tokens` instead of `max_tokens`."""
    return "max_completion_tokens" in message


def check_status(
    status: int, body: bytes, *, headers: Mapping[str, str], where: str, key: Key, patience_s: float
) -> None:
    """Let a success through.

    Raises:
        Unavailable: If asking again may help; not sooner than the server says, unless that is beyond `patience_s`.
        Refused: If it will not help.
    """
    if 200 <= status < 300:
        return
    message = server_message(body)
    words = key.quote(message)
    if status not in (408, 429) and status < 500:
        raise Refused(_refusal(status, words, message, where=where, key=key), status=status, message=message)
    wait_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    if wait_s and wait_s > patience_s:
        words += f" (and not to ask again for {wait_s:,.0f} s)"
    wish: float | bool = True if not wait_s else wait_s if wait_s <= patience_s else False
    raise Unavailable(where, f"HTTP {status}", words, wait_s=wish, is_busy=status in BUSY)


def server_message(body: bytes) -> str:
    """What a server says of an error: its message if it can be told apart, else the whole body."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    try:
        return found if isinstance(found, str) else orjson.dumps(found).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes, not deeper than it reads
        return body.decode(errors="replace")


def _refusal(status: int, words: str, message: str, *, where: str, key: Key) -> BackendError:
    text = f"{where}: HTTP {status}: {words}"
    if status in KEY_REFUSED:
        return BackendDown(f"{text}; {key.hint}")
    if status in (404, 405):
        return BackendDown(f"{text}; {WHERE_TO_LOOK}")
    if status in (400, 413, 422) and TOO_LONG.search(message):
        return PromptTooLong(text)
    return BackendError(text)


def _plain_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _parse(body: bytes) -> Any:
    """JSON; with half a surrogate pair in it, which judges do write, orjson will not read it."""
    try:
        return orjson.loads(body)
    except ValueError:
        return json.loads(body)


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str)


def _served_model(row: Any) -> ServedModel:
    return ServedModel(
        row["id"],
        _string(row.get("root")),
        _string(row.get("owned_by")),
        _count(row.get("max_model_len")),
        _string(row.get("parent")),
        _meta(row.get("meta")),
    )


def _meta(found: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(found, dict):
        return ()
    return tuple(
        (name, found[name])
        for name in sorted(found)
        if isinstance(found[name], str | int | float) and not PASSING.search(name)
    )


def _generations(choices: list[Any], key: Key) -> list[Generation]:
    """The choices by index, the first of each that can be read; one that tells no index stays in its place."""
    found: dict[tuple[int, int], Generation] = {}
    for place, choice in enumerate(choices):
        index = _count(choice.get("index")) if isinstance(choice, dict) else None
        slot = (place, place) if index is None else (index, -1)
        if found.get(slot, MALFORMED) is MALFORMED:
            found[slot] = _generation(choice, key)
    return [found[slot] for slot in sorted(found)]


def _generation(choice: Any, key: Key) -> Generation:
    try:
        message, reason = choice["message"], choice.get("finish_reason")
        text, thinking = _text(message.get("content")), _thinking(message)
    except MISREAD:
        return MALFORMED
    if reason is not None and not isinstance(reason, str):
        return MALFORMED
    text, reason, thinking = (part and key.redact_text(part) for part in (text, reason, thinking))
    pairs, others = read_logprobs(choice.get("logprobs"), key.redact_text) or (None, ())
    return Generation(text, reason, thinking, pairs, others if any(other is not None for other in others) else None)


def _text(content: Any) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError(content)
    return "".join(part["text"] for part in content if part["type"] == "text")


def _thinking(message: Any) -> str | None:
    return _string(message.get("reasoning")) or _string(message.get("reasoning_content")) or None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT else None
