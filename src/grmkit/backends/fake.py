"""A judge that needs no model, for your own tests: it answers what you say, always the same."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Self

from grmkit.backends.protocol import Answer, Generation, Request


class FakeBackend:
    """Answers from a function, and remembers what it was asked.

    Args:
        answer: Takes the request and the number of the stream, gives the text or the whole Generation; it may
            raise a BackendError to play a judge in trouble. Left out: `grm_answer`.
        name: What sets this fake apart from others in a ledger; the function's name if left out.
        latency_s: How long each request takes.
        max_samples: The most samples one request gets.
        block_size: In aligned blocks of how many streams it says it draws.
        concurrency: How many requests it says it takes at once.

    Attributes:
        requests: Every request made, in order.

    Example:
        >>> judge = FakeBackend.saying("Scores: [7, 4]", "Scores: [6, 5]")
        >>> judge.requests
        []
    """

    def __init__(
        self,
        answer: Callable[[Request, int], str | Generation] | None = None,
        *,
        name: str | None = None,
        latency_s: float = 0.0,
        max_samples: int = 64,
        block_size: int = 1,
        concurrency: int = 64,
    ) -> None:
        self._answer = answer or grm_answer
        self._name = name or getattr(self._answer, "__qualname__", type(self._answer).__qualname__)
        self._latency_s = latency_s
        self._max_samples = max_samples
        self._block_size = block_size
        self._concurrency = concurrency
        self.requests: list[Request] = []

    @classmethod
    def saying(cls, *texts: str) -> Self:
        """A judge that says these texts: stream i gets text i, and the first again after the last.

        Raises:
            ValueError: If there are none.
        """
        if not texts:
            raise ValueError("texts is empty; expected at least one answer")
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
        return cls(lambda _, stream: texts[stream % len(texts)], name=f"saying-{digest}")

    @property
    def max_samples(self) -> int:
        return self._max_samples

    @property
    def block_size(self) -> int:
        return self._block_size

    @property
    def concurrency(self) -> int:
        return self._concurrency

    async def identity(self) -> Mapping[str, Any]:
        return {"kind": "fake", "name": self._name}

    async def sample(self, request: Request) -> Answer:
        """The function's answers, with words counted as tokens."""
        self.requests.append(request)
        await asyncio.sleep(self._latency_s)
        num_samples = min(request.num_samples, self._max_samples)
        streams = range(request.first_stream, request.first_stream + num_samples)
        generations = tuple(_generation(self._answer(request, stream)) for stream in streams)
        num_read = sum(len(message.content.split()) for message in request.messages)
        return Answer(generations, num_read, sum(len((given.text or "").split()) for given in generations))

    async def aclose(self) -> None:
        pass


def grm_answer(request: Request, stream: int) -> str:
    """A well-formed answer in the DeepSeek-GRM format, with one score from 1 to 10 per response shown.

    The scores are a hash of prompt, seed and stream: as good as random, and the same on every machine.
    """
    prompt = "\0".join(message.content for message in request.messages)
    digest = hashlib.sha256(f"{request.seed}\0{stream}\0{prompt}".encode(errors="replace")).digest()
    scores = [1 + digest[position % len(digest)] % 10 for position in range(len(request.order))]
    remarks = "\n".join(f"- **Response {place}**: worth {score}." for place, score in enumerate(scores, 1))
    return (
        "Specific Criteria:\n1. **Accuracy** (Weight: 60%): is it true?\n2. **Clarity** (Weight: 40%): is it plain?\n\n"
        f"Analysis:\n{remarks}\n\nScores: \\boxed{{{', '.join(map(str, scores))}}}"
    )


def _generation(given: str | Generation) -> Generation:
    return given if isinstance(given, Generation) else Generation(given, "stop")
