"""What every backend promises: one small async Protocol and the values that cross it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from grmkit.types import Message

MAX_ALTERNATIVES = 20
"""What servers tell at most."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a judge is sampled. All of it is part of a judgment's identity.

    Args:
        temperature: 0 is greedy.
        top_p: Nucleus mass, in (0, 1].
        max_tokens: Room for the answer, thinking included; an answer that fills it is cut and unreadable.
        seed: The caller's seed; every prompt derives its own streams from it.
        logprobs: Whether to ask for the log-probability of each token written.
        alternatives: How many of the likeliest tokens to ask for beside each token written, with their
            log-probabilities, up to 20; they are kept at numbers. More than 0 asks for `logprobs` as well.

    Raises:
        ValueError: If a number is out of range.
    """

    temperature: float = 0.5
    top_p: float = 1.0
    max_tokens: int = 2048
    seed: int = 0
    logprobs: bool = False
    alternatives: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}; expected a finite number from 0 up")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; expected a number above 0, up to 1")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; expected at least 1")
        if not 0 <= self.alternatives <= MAX_ALTERNATIVES:
            raise ValueError(f"alternatives is {self.alternatives}; expected 0 to {MAX_ALTERNATIVES}")

    @property
    def tells(self) -> bool:
        """Whether log-probabilities are asked for."""
        return self.logprobs or self.alternatives > 0

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; `alternatives` is left out where it is 0."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "logprobs": self.tells,
            **({"alternatives": self.alternatives} if self.alternatives else {}),
        }


@dataclass(frozen=True, slots=True)
class Request:
    """Samples `first_stream .. first_stream + num_samples - 1` of one prompt.

    Args:
        messages: The prompt, as chat turns; the server applies its own chat template.
        num_samples: How many answers are wanted, at least one, at most the backend's `max_samples`.
        first_stream: The stream of the first answer; answer i belongs to stream `first_stream + i`.
        seed: The seed of stream 0 of this prompt; stream t is seeded with `seed + t`, so that requests
            for different streams of one prompt never share a random stream. A backend that draws blocks
            seeds each of them with a hash of this seed and the block's number.
        sampling: How to sample.
        example_id: The example's id,
        example_key: the hash of what a judge may see of it, and
        order: the order its responses are shown in: what recorded answers are looked up by.
    """

    messages: tuple[Message, ...]
    num_samples: int
    first_stream: int
    seed: int
    sampling: Sampling
    example_id: str
    example_key: str
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its text (None if the judge wrote none), its thinking if kept apart, why it ended.

    `logprobs` holds (token, log-probability in nats) per token written, when asked for and given. `alternatives`
    holds as many entries: the same pairs for what else was likely there, the token written left out; None where that is
    not kept or not told. Log-probabilities are the model's own, at temperature 1 and before any cut.
    """

    text: str | None
    finish_reason: str | None
    reasoning: str | None = None
    logprobs: tuple[tuple[str, float], ...] | None = None
    alternatives: tuple[tuple[tuple[str, float], ...] | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: at least one generation, at most as many as asked.

    Token counts are those of the whole request, the prompt counted once; None if the judge does not say.
    """

    generations: tuple[Generation, ...]
    prompt_tokens: int | None
    completion_tokens: int | None


class Backend(Protocol):
    """Turns prompts into texts.

    `max_samples` is the most samples one request may ask for; it may fall once a server shows that it
    gives fewer. `concurrency` is how many requests may be under way at once.

    Streams are drawn in aligned blocks of `block_size`: block b holds streams `b * block_size` to
    `b * block_size + block_size - 1`, and what one stream says depends on the whole of its block. A backend
    that is asked for part of a block draws all of it and gives that part. 1: any streams may share a request.
    """

    @property
    def max_samples(self) -> int: ...

    @property
    def block_size(self) -> int: ...

    @property
    def concurrency(self) -> int: ...

    async def identity(self) -> Mapping[str, Any]:
        """What decides this model's answers, as JSON values: a weights' hash, or what the server says of itself.

        Asked once, before anything is sampled: a server that is down, refuses the key or lacks the model
        is found out here.

        Raises:
            BackendDown: If no request could succeed.
        """
        ...

    async def sample(self, request: Request) -> Answer:
        """Answer one request; fewer generations than asked is allowed, none is not.

        Raises:
            PromptTooLong: If the prompt exceeds the judge's context; nothing was sampled.
            BackendDown: If no further request can succeed.
            BackendError: If this request failed for good, after retries.
        """
        ...

    async def aclose(self) -> None: ...
