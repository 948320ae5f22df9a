"""A judge behind any OpenAI-compatible HTTP server, or behind several that hold the same model."""

import asyncio
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from grmkit.backends import wire
from grmkit.backends.limiter import Lane, Lanes, Retries, Unavailable
from grmkit.backends.protocol import Answer, Request
from grmkit.backends.wire import Key, Refused, ServedModel
from grmkit.errors import BackendDown, BackendError, PromptTooLong

logger = logging.getLogger(__name__)

MAX_FAILURES = 20  # requests that fail in a row, each after all its tries, before the server counts as down
CONNECT_TIMEOUT_S = 10.0
SHORT_TIMEOUT_S = 10.0  # for questions that need no generation
IDENTITY_TRIES = 3
MAX_IDLE = 64  # connections kept for later: the pool looks at each of them for every request
KEEPALIVE_S = 4.0  # uvicorn, and so vLLM, closes idle connections after 5 s
GREEDY_BELOW = 1e-5  # vLLM's own bound
TEMPLATE_TOKENS = 256  # room for what the chat template adds to the prompt
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LOOPBACK = ("all://127.0.0.1", "all://[::1]", "all://localhost")  # never through a proxy


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How a server is asked.

    Args:
        api_key_env: The environment variable that holds the key; no key is sent if it is not set.
        model_revision: What tells two states of a model of the same name apart, if you know it.
        concurrency: How many requests may be under way at once, over all base URLs.
        timeout_s: How long one try may take.
        retries: How often a request is tried in all; three times at most if the tries time out.
        wait_initial_s: The wait after the first failure, about; it doubles from try to try,
        wait_max_s: up to this.
        max_samples: The most samples to ask for in one request.

    Raises:
        ValueError: If a number is not positive, or `api_key_env` is no name of a variable.
    """

    api_key_env: str = "OPENAI_API_KEY"
    model_revision: str | None = None
    concurrency: int = 64
    timeout_s: float = 600.0
    retries: int = 6
    wait_initial_s: float = 0.5
    wait_max_s: float = 30.0
    max_samples: int = 64

    def __post_init__(self) -> None:
        if not (isinstance(self.api_key_env, str) and VARIABLE.fullmatch(self.api_key_env)):
            raise ValueError(
                "api_key_env takes the name of an environment variable, such as OPENAI_API_KEY; "
                "what was given is not one and is not shown"
            )
        for name in ("concurrency", "timeout_s", "retries", "wait_initial_s", "wait_max_s", "max_samples"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number")


class HttpBackend:
    """Asks an OpenAI-compatible server, or several that hold the same model, for n samples at once.

    Requests go to the server with most free places; each server's share of `concurrency` shrinks while it
    refuses or slows down. What may pass (408, 429, 5xx, resets, timeouts) is tried again; what will not
    (4xx) is not. When 20 requests in a row have failed for good, the judge counts as down; so it does when
    the key is refused before the first answer. May be used in one event loop after another, not in two at once.

    Args:
        base_urls: Where the servers are, usually ending in `/v1`.
        model: The name the model is served by; may be None where only one is served.
        settings: How they are asked.

    Raises:
        ValueError: If a base URL is none, or carries a secret.
        BackendDown: If the key in the environment cannot be sent.
    """

    def __init__(
        self, base_urls: Sequence[str], model: str | None = None, *, settings: HttpSettings | None = None
    ) -> None:
        if isinstance(base_urls, str) or not base_urls:
            raise ValueError(f"base_urls is {base_urls!r}; expected a list of at least one URL")
        self._settings = settings or HttpSettings()
        self._wanted = model
        self._lanes = Lanes([_checked(url) for url in base_urls], self._settings.concurrency)
        self._key = _read_key(self._settings.api_key_env)
        self._max_samples = self._settings.max_samples
        self._length_field = "max_tokens"
        self._served: dict[Lane, ServedModel] = {}
        self._identity: dict[str, Any] | None = None
        self._can_count = True
        self._num_failures = 0
        self._has_answered = False
        self._retries = Retries(self._settings.wait_initial_s)
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"HttpBackend({[lane.url for lane in self._lanes.lanes]}, {self._wanted!r})"

    @property
    def max_samples(self) -> int:
        return self._max_samples

    @property
    def block_size(self) -> int:
        return 1

    @property
    def concurrency(self) -> int:
        return self._lanes.num_places

    async def identity(self) -> Mapping[str, Any]:
        """The model's name, what was loaded under it, and the revision given; asked once and remembered.

        Raises:
            BackendDown: If a server cannot be reached, refuses the key or lacks the model, or if two differ.
        """
        if self._identity is None:
            served = {lane: await self._ask_models(lane.url) for lane in self._lanes.lanes}
            first, *others = self._lanes.lanes
            for lane in others:
                _check_same(served[first], served[lane], first.url, lane.url)
            model = served[first]
            self._served = served
            self._identity = {"kind": "http", "revision": self._settings.model_revision, **model.lasting}
        return dict(self._identity)

    async def sample(self, request: Request) -> Answer:
        """Ask one server once, in effect; fewer generations than asked may come back.

        Raises:
            PromptTooLong: If prompt and answer do not fit the judge's context.
            BackendDown: If the key was never taken, the model or route is missing, or too many requests failed.
            BackendError: If the server refuses this request, or failed too often, or answers something else.
        """
        await self.identity()
        await self._check_length(request)
        try:
            answer = await self._ask(request)
        except Refused as refusal:
            raise self._explained(refusal) from None
        except Unavailable as failure:
            raise self._failed(failure.text) from None
        except BackendError as error:
            raise self._failed(str(error)) from None
        self._num_failures = 0
        return answer

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _explained(self, refusal: Refused) -> BackendError:
        """Gateways refuse single requests, moderated ones say, in the words of a wrong key."""
        if not (self._has_answered and refusal.status in wire.KEY_REFUSED):
            return refusal.error
        return BackendError(f"{refusal.error}; it answered other requests, so only this one counts as refused")

    def _failed(self, text: str) -> BackendError:
        self._num_failures += 1
        if self._num_failures < MAX_FAILURES:
            return BackendError(text)
        return BackendDown(f"{text}; {self._num_failures} requests failed in a row: is the server still up?")

    # One logical request: which form of it the server takes.

    async def _ask(self, request: Request) -> Answer:
        is_greedy = request.sampling.temperature < GREEDY_BELOW
        num_samples = 1 if is_greedy else min(request.num_samples, self._max_samples)
        field = self._length_field
        try:
            answer = await self._deliver(request, num_samples, field)
        except Refused as refusal:
            if field == "max_tokens" and wire.wants_max_completion_tokens(refusal.message):
                logger.info("%s: sending max_completion_tokens instead of max_tokens from now on", self)
                self._length_field = "max_completion_tokens"
                return await self._ask(request)
            if num_samples == 1 or refusal.status not in (400, 422) or isinstance(refusal.error, PromptTooLong):
                raise
            return await self._ask_for_one(request, refusal)
        if num_samples > 1 and len(answer.generations) == 1:
            self._latch_to_one("it gives one answer however many are asked for")
        return answer

    async def _ask_for_one(self, request: Request, refusal: Refused) -> Answer:
        """Find out whether it was `n` that the server refused."""
        try:
            answer = await self._deliver(request, 1, self._length_field)
        except (Refused, Unavailable, BackendError):
            raise refusal from None
        self._latch_to_one(str(refusal))
        return answer

    def _latch_to_one(self, reason: str) -> None:
        if self._max_samples > 1:
            logger.warning("%s: asking for one sample per request from now on: %s", self, reason)
        self._max_samples = 1

    # One HTTP request, with retries.

    async def _deliver(self, request: Request, num_samples: int, length_field: str) -> Answer:
        lane: Lane | None = None

        async def ask() -> Answer:
            nonlocal lane
            async with self._lanes.place(avoid=lane) as lane:
                model = self._served[lane]
                body = wire.render_chat(request, model, num_samples=num_samples, length_field=length_field)
                return await self._try(lane, body, num_samples)

        settings = self._settings
        return await self._retries.persist(ask, tries=settings.retries, wait_max_s=settings.wait_max_s)

    async def _try(self, lane: Lane, body: bytes, num_samples: int) -> Answer:
        url = f"{lane.url}/chat/completions"
        sent_s = time.monotonic()
        try:
            found = await self._exchange("POST", url, content=body, timeout_s=self._settings.timeout_s)
        except Unavailable as failure:
            if failure.is_busy:
                lane.refuse(sent_s, time.monotonic())
            raise
        lane.pace.succeed(time.monotonic() - sent_s)
        answer = wire.read_answer(found, where=url, at_most=num_samples, key=self._key)
        self._has_answered = True
        return answer

    async def _exchange(self, method: str, url: str, *, content: bytes | None = None, timeout_s: float) -> bytes:
        """Send one request; the body of the answer if it is a success.

        Raises:
            Unavailable: If there was no answer, or one that may change.
            Refused: If the answer was no.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._open_client().request(method, url, content=content)
        except httpx2.ConnectTimeout:
            what = f"no connection within {CONNECT_TIMEOUT_S:g} s"
            raise Unavailable(url, what, is_busy=True, is_timeout=True) from None
        except TimeoutError:
            raise Unavailable(url, f"no answer within {timeout_s:g} s", is_busy=True, is_timeout=True) from None
        except httpx2.ConnectError as error:
            raise Unavailable(url, "cannot connect", self._key.quote(str(error)), is_busy=False) from None
        except httpx2.HTTPError as error:
            said = self._key.quote(f"{type(error).__name__} {error}")
            raise Unavailable(url, "the connection broke", said, is_busy=False) from None
        body, headers = response.content, response.headers
        wire.check_status(response.status_code, body, headers=headers, where=url, key=self._key, patience_s=timeout_s)
        return body

    def _open_client(self) -> httpx2.AsyncClient:
        """The connections of this event loop; those of a loop that has ended cannot be used again."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            num = self._lanes.num_places
            bearer = {} if self._key.value is None else {"authorization": f"Bearer {self._key.value}"}
            self._loop = loop
            self._client = httpx2.AsyncClient(
                headers={"content-type": "application/json"} | bearer,
                timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
                limits=httpx2.Limits(
                    max_connections=2 * num,
                    max_keepalive_connections=min(num, MAX_IDLE),
                    keepalive_expiry=KEEPALIVE_S,
                ),
                mounts=dict.fromkeys(LOOPBACK),
            )
        return self._client

    # What the servers hold.

    async def _ask_models(self, base_url: str) -> ServedModel:
        url = f"{base_url}/models"
        timeout_s = min(self._settings.timeout_s, SHORT_TIMEOUT_S)
        try:
            body = await self._retries.persist(
                lambda: self._exchange("GET", url, timeout_s=timeout_s), tries=IDENTITY_TRIES, wait_max_s=1.0
            )
        except Unavailable as failure:
            raise BackendDown(f"{failure.text}; is the server up? {wire.WHERE_TO_LOOK}") from None
        except Refused as refusal:
            if refusal.status not in (404, 405):
                raise BackendDown(str(refusal)) from None
            if self._wanted is None:
                raise BackendDown(
                    f"{url}: HTTP {refusal.status}: it lists no models; name the model, or is the base URL wrong "
                    "(often .../v1)?"
                ) from None
            return ServedModel(self._wanted)
        return wire.pick_model(wire.read_models(body, where=url, key=self._key), self._wanted, where=url)

    # Whether the prompt fits.

    async def _check_length(self, request: Request) -> None:
        """Refuse what cannot fit, so that no server cuts it silently.

        Most prompts need no count: one that has fewer bytes than the judge reads tokens fits anyway.
        """
        try:
            size = wire.num_bytes(request.messages)
        except UnicodeEncodeError as error:
            raise BackendError(f"the prompt of {request.example_id!r} is not valid text: {error}") from None
        lengths = [model.max_model_len for model in self._served.values() if model.max_model_len]
        limit, kept = min(lengths, default=None), request.sampling.max_tokens
        if limit is None or size + TEMPLATE_TOKENS + kept <= limit:
            return
        count = await self._count_tokens(request)
        if count is not None and count + kept > limit:
            raise PromptTooLong(
                f"the prompt is {count:,} tokens; the judge reads {limit:,}, of which {kept:,} are kept for the "
                "answer (max_tokens); shorten the responses, lower max_tokens or serve a longer context"
            )

    async def _count_tokens(self, request: Request) -> int | None:
        """Have vLLM count; None where that is not offered: then the server itself refuses what is too long."""
        if not self._can_count:
            return None
        lane = max(self._lanes.lanes, key=lambda lane: lane.free)
        url = f"{lane.url.removesuffix('/v1')}/tokenize"
        body = wire.render_count(request.messages, self._served[lane].id)
        try:
            return wire.read_count(await self._exchange("POST", url, content=body, timeout_s=SHORT_TIMEOUT_S))
        except Refused as refusal:
            self._can_count = refusal.status not in (404, 405)
        except Unavailable as failure:
            logger.info("cannot count the prompt's tokens: %s", failure.text)
        return None


def _checked(base_url: str) -> str:
    url = wire.check_base_url(base_url)
    try:
        httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"base URL is {url!r}: {error}") from None
    return url


def _read_key(env: str) -> Key:
    value = os.environ.get(env, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise BackendDown(f"the key in {env} holds characters that cannot be sent (not shown); expected plain ASCII")
    return Key(env, value or None)


def _check_same(one: ServedModel, other: ServedModel, *urls: str) -> None:
    if one.lasting != other.lasting:
        raise BackendDown(
            f"{urls[0]} serves {_described(one)} but {urls[1]} serves {_described(other)}; "
            "expected the same model behind every base URL"
        )


def _described(model: ServedModel) -> str:
    told = {name: value for name, value in model.lasting.items() if name != "model"}
    return f"{model.id!r} ({', '.join(f'{name} {value!r}' for name, value in told.items())})"
