"""A generative judge: samples judgments, votes, and says when it cannot tell."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, TypeVar

from grmkit.backends import Backend, Sampling
from grmkit.backends.protocol import MAX_ALTERNATIVES
from grmkit.errors import BackendDown, BackendError, LedgerError, NotRecorded, PromptTooLong, TemplateError
from grmkit.ledger import Ledger
from grmkit.scoring.budget import check_budget
from grmkit.scoring.guided import MetaSamples, check_guide
from grmkit.scoring.list_tally import tally_lists
from grmkit.scoring.lists import check_combination, check_list_size
from grmkit.scoring.meta_rm import MetaRM, check_reads
from grmkit.scoring.meta_scoring import MetaScorer
from grmkit.scoring.principles import PrincipleTallies, Source, check_source, make_writer
from grmkit.scoring.rounds import Contest, Draw, Drawing, Pool, Run, until_decided, within_budget
from grmkit.scoring.sampling import Sampler, Stopped, Tallies
from grmkit.scoring.soft_vote import Soft, check_soft, soft_tally
from grmkit.scoring.stopping import POOL_SIZE, check_stop
from grmkit.scoring.tally import RULES, Prices, Rule, abstain
from grmkit.templates import Template
from grmkit.types import Abstention, Example, Judgment, Message, Tokens, Verdict

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
        num_orders: In how many orders the responses are shown at most; None: in all that balance asks for. Judgments
            of one order share a prompt, and a model in this process draws four of them at once. A replay wants it too.
        meta_rm: Scores the readable judgments, and thereby decides which of them vote; without one all do.
        meta_samples: How many of them vote: a number, a share in (0, 1], or `soft`, which weighs each by the
            probability that it is right. None is half of them, rounded up.
        list_size: An example with more responses is judged in overlapping lists of at most so many, fitted on one scale
            (`grmkit.scoring.lists`); None judges any number at once. A sample is then as many judgments as show all.
        principles: `judgment`: each judgment writes its own, in sight of the responses. `query`: they are written once
            from the query alone, and given to all judgments of all examples with this query that bring none.
        soft: What the expected values of the scores are for: to break `ties`, or to be the `scores` that are voted
            on. The backend is then asked for 20 alternatives, unless `sampling` names another number.

    Attributes:
        tallies: What this judge has asked for and reused so far.
        principle_tallies: The same of the principles written once per query.

    Raises:
        ValueError: If there is no such rule or source of principles, the template shows no principles, `meta_samples`
            is none of these or there is no meta RM to choose, or the meta RM is one for another template; if
            `list_size` is below 2 or more than the template can show; if `soft` is none of these, or the template gives
            no scores.
    """

    backend: Backend
    template: Template
    ledger: Ledger
    sampling: Sampling = field(default_factory=Sampling)
    rule: Rule = "sum"
    prices: Prices | None = None
    refuse: Callable[[Example], str | None] | None = None
    num_orders: int | None = None
    meta_rm: MetaRM | None = None
    meta_samples: MetaSamples | None = None
    list_size: int | None = None
    principles: Source = "judgment"
    soft: Soft | None = None
    tallies: Tallies = field(default_factory=Tallies, init=False)
    principle_tallies: PrincipleTallies = field(default_factory=PrincipleTallies, init=False)
    _drawing: Drawing | None = field(default=None, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule is {self.rule!r}; expected one of {', '.join(RULES)}")
        self.meta_samples = check_guide(self.meta_rm, self.meta_samples)
        if self.meta_rm is not None:
            check_reads(self.meta_rm, self.template)
        given = {"meta_rm": self.meta_rm, "soft": self.soft}
        check_combination(check_list_size(self.list_size, self.template), rule=self.rule, **given)
        check_source(self.principles, self.template)
        if check_soft(self.soft, self.template) is not None and not self.sampling.alternatives:
            self.sampling = replace(self.sampling, alternatives=MAX_ALTERNATIVES)

    def score(
        self,
        query: str | Sequence[Message],
        responses: Sequence[str],
        *,
        samples: int = DEFAULT_SAMPLES,
        stop: float | None = None,
        **known: Any,
    ) -> Verdict:
        """Judge the responses to one query.

        Args:
            query: What the user asked: text or messages.
            responses: One or more candidate answers.
            samples: How many judgments to draw.
            stop: Draw in rounds, and stop once the chance that all samples would decide the same is above this.
            known: Further fields of the Example: `reference`, `principles`, `id`.

        Raises:
            ValueError: If the query or a response has the wrong shape, or `stop` is no chance.
            BackendDown: If the judge cannot be asked at all.
        """
        return _run(lambda: self._score_and_close(_example(query, responses, known), samples, stop))

    def score_all(
        self,
        examples: Iterable[Example],
        *,
        samples: int = DEFAULT_SAMPLES,
        stop: float | None = None,
        budget: int | None = None,
    ) -> list[Verdict]:
        """Judge many Examples at once; the verdicts, in their order. `ascore_each` does it without holding them all.

        Raises:
            ValueError: If `stop` is no chance, or the budget is below one judgment per example.
            BackendDown: If the judge cannot be asked at all.
        """
        return _run(lambda: self._score_all_and_close(examples, samples, stop, budget))

    def with_principles(self, examples: Iterable[Example]) -> list[Example]:
        """The Examples with the principles of their queries: what `principles="query"` judges by, to see or to change.

        Those that bring principles keep them; those whose principles could not be read stay without.

        Raises:
            BackendDown: If the judge cannot be asked at all.
            BackendError: If a request failed for good; what came of the others is kept.
        """
        return _run(lambda: self._give_and_close(examples))

    async def ascore(
        self,
        query: str | Sequence[Message],
        responses: Sequence[str],
        *,
        samples: int = DEFAULT_SAMPLES,
        stop: float | None = None,
        **known: Any,
    ) -> Verdict:
        """The same as `score`, for use inside an event loop."""
        return await self.ascore_example(_example(query, responses, known), samples=samples, stop=stop)

    async def ascore_example(
        self, example: Example, *, samples: int = DEFAULT_SAMPLES, stop: float | None = None
    ) -> Verdict:
        """Judge one Example; whatever keeps it from being scored is in the verdict, unless no example can be.

        Raises:
            ValueError: If `stop` is no chance.
            BackendDown: If the judge cannot be asked at all.
            LedgerError: If judgments cannot be kept.
        """
        run = await self._ready(samples, stop, num_pooled=1)
        return await self._judge(run, until_decided(run), (0, example))

    async def ascore_each(
        self,
        examples: Iterable[Example],
        *,
        samples: int = DEFAULT_SAMPLES,
        stop: float | None = None,
        budget: int | None = None,
        interrupt: asyncio.Event | None = None,
    ) -> AsyncGenerator[Verdict]:
        """Judge many Examples at once; verdicts come in input order, memory stays bounded.

        Once `interrupt` is set, no further request is made, and it ends with the last verdict before the first that is
        not complete. Closing it early does the same; what the requests under way bring is kept. Cancelling it drops
        them.

        Args:
            examples: What to judge; with a budget they are held in memory.
            samples: How many judgments of each, at most.
            stop: Draw in rounds, and stop with an example once the chance that all samples would decide the same is
                above this; `grmkit.scoring.stopping` states the model. A single response has no decision: it gets all.
            budget: Draw no more than so many judgments over all examples, where decisions are open; there is no
                verdict before it is spent.
            interrupt: Set it to stop.

        Raises:
            ValueError: If `stop` is no chance, or the budget is below one judgment per example.
            BackendDown: If the judge cannot be asked at all, or the meta RM cannot be loaded.
            LedgerError: If judgments cannot be kept.
        """
        check_combination(self.list_size, rule=self.rule, budget=budget)
        source, head = iter(examples), []
        if budget is not None:
            head = list(source)
            check_budget(budget, len(head))
        elif stop is not None:
            head = list(islice(source, POOL_SIZE))
        interrupt, is_closing = interrupt or asyncio.Event(), asyncio.Event()
        run = await self._ready(
            samples, stop, num_pooled=len(head), is_stopped=lambda: interrupt.is_set() or is_closing.is_set()
        )
        window = max(256, 4 * self.backend.concurrency)
        pending: deque[asyncio.Task[Verdict]] = deque()
        numbered = enumerate(chain(head, source))
        try:
            draw = until_decided(run) if budget is None else await within_budget(run, self._judged(head), budget)
            while True:
                for one in islice(numbered, 0 if interrupt.is_set() else window - len(pending)):
                    pending.append(asyncio.create_task(self._judge(run, draw, one)))
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
        await self._disconnect()
        self.ledger.close()

    def close(self) -> None:
        """The same as `aclose`, outside an event loop."""
        _run(self.aclose)

    async def _disconnect(self) -> None:
        await self.backend.aclose()
        if self.meta_rm is not None:
            await self.meta_rm.backend.aclose()

    async def _ready(
        self, samples: int, stop: float | None, *, num_pooled: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> Run:
        """A run with what this event loop draws with, which all its callers share."""
        check_combination(self.list_size, rule=self.rule, stop=stop)
        width = self.template.score_range[1] - self.template.score_range[0]
        contest = Contest(self.rule, self.meta_samples, width, None if stop is None else check_stop(stop), self.soft)
        loop = asyncio.get_running_loop()
        if self._drawing is None or self._loop is not loop:
            how = {"num_orders": self.num_orders, "list_size": self.list_size}
            sampler = Sampler(self.template, self.backend, self.ledger, self.sampling, self.tallies, **how)
            meta = None if self.meta_rm is None else MetaScorer(self.meta_rm, self.ledger, self.tallies)
            writer = make_writer(sampler, self.principle_tallies) if self.principles == "query" else None
            self._drawing, self._loop = Drawing(sampler, meta, writer), loop
        drawing = self._drawing
        await drawing.start()
        return Run(drawing, samples, contest, Pool(num_pooled, width=contest.width), is_stopped)

    def _judged(self, examples: Iterable[Example]) -> list[Example | None]:
        return [example if self._refusal(example) is None else None for example in examples]

    def _refusal(self, example: Example) -> Abstention | None:
        """Why an example is not to be judged at all."""
        for index, response in enumerate(example.responses):
            if not response.strip():
                return Abstention("refused", f"responses[{index}] is empty; there is nothing to judge")
        why = None if self.refuse is None else self.refuse(example)
        return None if why is None else Abstention("out_of_domain", why)

    async def _judge(self, run: Run, draw: Draw, one: tuple[int, Example]) -> Verdict:
        """The verdict on one example, given with its place in the run."""
        place, example = one
        try:
            if (refusal := self._refusal(example)) is not None:
                return abstain(example.id, refusal)
            judgments, tokens = await draw(example, place)
        except (TemplateError, BackendError) as error:
            if isinstance(error, BackendDown):
                raise
            kept, tokens = run.drawing.left(example, run.samples)
            abstaining = abstain(example.id, _abstention(error), kept, tokens=tokens, prices=self.prices)
            return run.drawing.told(example, abstaining) if kept else abstaining
        except Stopped:
            run.pool.report(place, None, is_stopped=True)
            raise
        finally:
            run.pool.report(place, None)
        return run.drawing.told(example, self._tally(example, judgments, tokens))

    def _tally(self, example: Example, judgments: Sequence[Judgment], tokens: Tokens | None) -> Verdict:
        num = len(example.responses)
        if self.list_size is not None and num > self.list_size:
            how = {"num_responses": num, "list_size": self.list_size}
            return tally_lists(example.id, judgments, tokens=tokens, prices=self.prices, **how)
        return soft_tally(
            example.id,
            judgments,
            soft=self.soft,
            score_range=self.template.score_range,
            rule=self.rule,
            tokens=tokens,
            prices=self.prices,
            meta_samples=self.meta_samples,
        )

    async def _give_and_close(self, examples: Iterable[Example]) -> list[Example]:
        sampler = Sampler(self.template, self.backend, self.ledger, self.sampling)
        writer = make_writer(sampler, self.principle_tallies)
        try:
            await writer.sampler.start()
            return await writer.give_all(examples)
        finally:
            await self._disconnect()

    async def _score_all_and_close(
        self, examples: Iterable[Example], samples: int, stop: float | None, budget: int | None
    ) -> list[Verdict]:
        try:
            found = self.ascore_each(examples, samples=samples, stop=stop, budget=budget)
            return [verdict async for verdict in found]
        finally:
            await self._disconnect()

    async def _score_and_close(self, example: Example, samples: int, stop: float | None) -> Verdict:
        try:
            return await self.ascore_example(example, samples=samples, stop=stop)
        finally:
            await self._disconnect()


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
