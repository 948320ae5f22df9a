"""A generative judge: samples judgments, votes, and says when it cannot tell."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from grmkit.backends import Backend, Sampling
from grmkit.errors import BackendDown, BackendError, NotRecorded, PromptTooLong, TemplateError
from grmkit.ledger import Ledger
from grmkit.scoring.sampling import Sampler, Stopped, Tallies, judge_key
from grmkit.scoring.tally import Prices, Rule, abstain, tally
from grmkit.templates import Template
from grmkit.types import Abstention, Example, Message, Verdict

T = TypeVar("T")

DEFAULT_SAMPLES = 8


@dataclass(slots=True)
class GenerativeJudge:
    """Scores responses with a language model that writes principles, critique and scores.

    Args:
        backend: Who answers the prompts.
        template: How questions and answers are written.
        ledger: Where judgments are kept.
        sampling: How the model is sampled.
        rule: What decides the best response.
        prices: For the cost of a verdict.

    Attributes:
        tallies: What this judge has asked for and reused so far.
    """

    backend: Backend
    template: Template
    ledger: Ledger
    sampling: Sampling = field(default_factory=Sampling)
    rule: Rule = "sum"
    prices: Prices | None = None
    tallies: Tallies = field(default_factory=Tallies, init=False)
    _identity: Mapping[str, Any] | None = field(default=None, init=False, repr=False)
    _sampler: Sampler | None = field(default=None, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def score(
        self, query: str | Sequence[Message], responses: Sequence[str], *, samples: int = DEFAULT_SAMPLES, **known: Any
    ) -> Verdict:
        """Judge the responses to one query.

        Args:
            query: What the user asked: text or messages.
            responses: One or more candidate answers.
            samples: How many judgments to draw.
            known: Further fields of the Example: `reference`, `principles`, `id`.

        Raises:
            ValueError: If the query or a response has the wrong shape.
            BackendDown: If the judge cannot be asked at all.
        """
        return _run(lambda: self._score_and_close(_example(query, responses, known), samples))

    def score_all(self, examples: Iterable[Example], *, samples: int = DEFAULT_SAMPLES) -> list[Verdict]:
        """Judge many Examples at once; the verdicts, in their order. `ascore_each` does it without holding them all.

        Raises:
            BackendDown: If the judge cannot be asked at all.
        """
        return _run(lambda: self._score_all_and_close(examples, samples))

    async def ascore(
        self, query: str | Sequence[Message], responses: Sequence[str], *, samples: int = DEFAULT_SAMPLES, **known: Any
    ) -> Verdict:
        """The same as `score`, for use inside an event loop."""
        return await self.ascore_example(_example(query, responses, known), samples=samples)

    async def ascore_example(self, example: Example, *, samples: int = DEFAULT_SAMPLES) -> Verdict:
        """Judge one Example; whatever keeps it from being scored is in the verdict, unless no example can be.

        Raises:
            BackendDown: If the judge cannot be asked at all.
            LedgerError: If judgments cannot be kept.
        """
        sampler = await self._ready()
        try:
            judgments, tokens = await sampler.draw(example, samples)
        except (TemplateError, BackendError) as error:
            if isinstance(error, BackendDown):
                raise
            kept, tokens = sampler.kept(example, samples)
            return abstain(example.id, _abstention(error), kept, tokens=tokens, prices=self.prices)
        return tally(
            example.id,
            judgments,
            score_range=self.template.score_range,
            rule=self.rule,
            tokens=tokens,
            prices=self.prices,
        )

    async def ascore_each(
        self, examples: Iterable[Example], *, samples: int = DEFAULT_SAMPLES
    ) -> AsyncGenerator[Verdict]:
        """Judge many Examples at once; verdicts come in input order, memory stays bounded.

        After `stop` it ends with the last verdict before the first that is not complete. Closing it early lets the
        requests under way finish, so that what they bring is kept; cancelling it drops them.
        """
        sampler = await self._ready()
        window = max(256, 4 * self.backend.concurrency)
        pending: deque[asyncio.Task[Verdict]] = deque()
        source = iter(examples)
        try:
            while True:
                for example in islice(source, 0 if sampler.is_stopping else window - len(pending)):
                    pending.append(asyncio.create_task(self.ascore_example(example, samples=samples)))
                if not pending:
                    return
                yield await pending.popleft()
        except Stopped:
            return
        except asyncio.CancelledError:
            for task in pending:
                task.cancel()
            raise
        finally:
            await self._finish(sampler, pending)

    def stop(self) -> None:
        """Let the requests under way finish and start no more."""
        if self._sampler is not None:
            self._sampler.is_stopping = True

    async def identity(self) -> Mapping[str, Any]:
        """What decides this judge's answers, as its backend tells it; asked once."""
        if self._identity is None:
            self._identity = await self.backend.identity()
        return self._identity

    async def aclose(self) -> None:
        """Close connections and the ledger."""
        await self.backend.aclose()
        self.ledger.close()

    def close(self) -> None:
        """The same as `aclose`, outside an event loop."""
        _run(self.aclose)

    async def _ready(self) -> Sampler:
        loop = asyncio.get_running_loop()
        if self._sampler is None or self._loop is not loop:
            key = judge_key(dict(await self.identity()), self.template, self.sampling)
            judge = self.ledger.judge_id(key)
            self._sampler = Sampler(self.template, self.backend, self.ledger, self.sampling, judge, self.tallies)
            self._loop = loop
        return self._sampler

    async def _finish(self, sampler: Sampler, pending: Iterable[asyncio.Task[Verdict]]) -> None:
        """Let what is under way come in, so that it is kept, and start nothing more; nobody reads these verdicts."""
        sampler.is_stopping = True
        self._sampler = None
        await asyncio.gather(*pending, return_exceptions=True)

    async def _score_all_and_close(self, examples: Iterable[Example], samples: int) -> list[Verdict]:
        try:
            return [verdict async for verdict in self.ascore_each(examples, samples=samples)]
        finally:
            await self.backend.aclose()

    async def _score_and_close(self, example: Example, samples: int) -> Verdict:
        try:
            return await self.ascore_example(example, samples=samples)
        finally:
            await self.backend.aclose()


def _example(query: str | Sequence[Message], responses: Sequence[str], known: Mapping[str, Any]) -> Example:
    return Example(query if isinstance(query, str) else tuple(query), tuple(responses), **known)


def _abstention(error: TemplateError | BackendError) -> Abstention:
    if isinstance(error, TemplateError):
        return Abstention("refused", str(error))
    if isinstance(error, PromptTooLong):
        return Abstention("too_long", str(error))
    return Abstention("not_recorded" if isinstance(error, NotRecorded) else "backend", str(error))


def _run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end, also where an event loop is running already (a notebook): there in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(start())).result()
