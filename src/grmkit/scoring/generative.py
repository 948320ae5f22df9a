"""A generative judge: samples judgments, votes, and says when it cannot tell."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from grmkit.backends import Backend, Sampling
from grmkit.errors import BackendDown, BackendError, LedgerError, NotRecorded, PromptTooLong, TemplateError
from grmkit.ledger import Ledger
from grmkit.scoring.sampling import Sampler, Stopped, Tallies
from grmkit.scoring.tally import RULES, Prices, Rule, abstain, tally
from grmkit.templates import Template
from grmkit.types import Abstention, Example, Message, Verdict

T = TypeVar("T")

logger = logging.getLogger(__name__)

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
        refuse: Says why an example is outside of what the judge knows, or None for one that is not; what it refuses
            abstains `out_of_domain`. Set it to None to have everything judged.

    Attributes:
        tallies: What this judge has asked for and reused so far.

    Raises:
        ValueError: If there is no such rule.
    """

    backend: Backend
    template: Template
    ledger: Ledger
    sampling: Sampling = field(default_factory=Sampling)
    rule: Rule = "sum"
    prices: Prices | None = None
    refuse: Callable[[Example], str | None] | None = None
    tallies: Tallies = field(default_factory=Tallies, init=False)
    _sampler: Sampler | None = field(default=None, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule is {self.rule!r}; expected one of {', '.join(RULES)}")

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
        return await self._judge(await self._ready(), example, samples)

    async def ascore_each(
        self, examples: Iterable[Example], *, samples: int = DEFAULT_SAMPLES, stop: asyncio.Event | None = None
    ) -> AsyncGenerator[Verdict]:
        """Judge many Examples at once; verdicts come in input order, memory stays bounded.

        Once `stop` is set, no further request is made, and it ends with the last verdict before the first that is
        not complete. Closing it early does the same; what the requests under way bring is kept. Cancelling it drops
        them.
        """
        sampler = await self._ready()
        stop, is_closing = stop or asyncio.Event(), asyncio.Event()
        window = max(256, 4 * self.backend.concurrency)
        pending: deque[asyncio.Task[Verdict]] = deque()
        source = iter(examples)

        def is_stopped() -> bool:
            return stop.is_set() or is_closing.is_set()

        try:
            while True:
                for example in islice(source, 0 if stop.is_set() else window - len(pending)):
                    pending.append(asyncio.create_task(self._judge(sampler, example, samples, is_stopped)))
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
            is_closing.set()
            await _settle(pending)

    async def aclose(self) -> None:
        """Close connections and the ledger."""
        await self.backend.aclose()
        self.ledger.close()

    def close(self) -> None:
        """The same as `aclose`, outside an event loop."""
        _run(self.aclose)

    async def _ready(self) -> Sampler:
        """The sampler of this event loop, which all its callers share."""
        loop = asyncio.get_running_loop()
        if self._sampler is None or self._loop is not loop:
            self._sampler = Sampler(self.template, self.backend, self.ledger, self.sampling, self.tallies)
            self._loop = loop
        sampler = self._sampler
        await sampler.start()
        return sampler

    async def _judge(
        self, sampler: Sampler, example: Example, samples: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> Verdict:
        for index, response in enumerate(example.responses):
            if not response.strip():
                blank = Abstention("refused", f"responses[{index}] is empty; there is nothing to judge")
                return abstain(example.id, blank)
        if self.refuse is not None and (why := self.refuse(example)) is not None:
            return abstain(example.id, Abstention("out_of_domain", why))
        try:
            judgments, tokens = await sampler.draw(example, samples, is_stopped)
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


async def _settle(tasks: Iterable[asyncio.Task[Verdict]]) -> None:
    """Let what is under way come in, so that it is kept; nobody reads these verdicts, but what was not kept is told."""
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for words in {str(outcome) for outcome in outcomes if isinstance(outcome, LedgerError)}:
        logger.warning("%s", words)


def _example(query: str | Sequence[Message], responses: Sequence[str], known: Mapping[str, Any]) -> Example:
    """The Example of a call; a text in place of a list of responses is refused, not taken apart."""
    return Example(
        query if isinstance(query, str) else tuple(query),
        responses if isinstance(responses, str) else tuple(responses),  # pyright: ignore[reportArgumentType]
        **known,
    )


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
