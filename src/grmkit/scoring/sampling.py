"""Draw the judgments of one example: from the ledger what is there, from the backend what is not.

Samples of one order share a request. What a request brings is committed at once; what a server left out is asked
for again. A judgment is claimed before it is asked for, so that nobody else asks for it meanwhile. A backend that
draws streams in blocks is asked for whole blocks: what a verdict does not use of them waits in the ledger.
"""

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral

from grmkit.backends import Answer, Backend, Request, Sampling
from grmkit.ledger import JudgeKey, Ledger, Stored
from grmkit.ledger.store import canonical
from grmkit.scoring.lists import render_shown, schedule_of
from grmkit.scoring.logprobs import logprobs_text, read_logprobs
from grmkit.scoring.orders import Order
from grmkit.scoring.soft import read_soft
from grmkit.templates import Prompt, Template
from grmkit.types import Example, Judgment, SoftScores, Tokens, content_key

WAIT_FOR_OTHERS_S = 0.05
SEED_SPACE = 1 << 53  # what JSON carries exactly; a backend whose servers take less reduces it
MAX_STREAMS = 1 << 16

Drawn = tuple[tuple[Judgment, ...], Tokens | None]
"""Judgments in schedule order, and the tokens they took."""


class Stopped(Exception):
    """The run was asked to stop before this example was complete; never seen outside `ascore_each`."""


@dataclass(slots=True)
class Tallies:
    """What a run has done so far, in judgments and tokens; `reused` were in the ledger already.

    `asked` counts every judgment that was drawn, also those that only came along with their block. `planned` and
    `spent` are of examples that could stop early: the judgments of all samples, and those that were drawn instead.
    `meta_scored` judgments were read by the meta RM, `meta_reused` before.
    """

    asked: int = 0
    reused: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    neutralised: int = 0
    planned: int = 0
    spent: int = 0
    meta_scored: int = 0
    meta_reused: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The judgments one example needs: which streams of which orders, and the prompt and seed of each order.

    Stream t of an order is seeded with the order's seed plus t, so no two requests for it share a random stream.
    """

    key: str
    schedule: tuple[tuple[Order, int], ...]
    prompts: dict[Order, Prompt]
    seeds: dict[Order, int]

    def streams(self, order: Order) -> tuple[int, ...]:
        return tuple(stream for shown, stream in self.schedule if shown == order)


@dataclass(slots=True)
class Sampler:
    """Draws judgments with one template from one backend into one ledger, for all callers in one event loop.

    With `num_orders`, the responses are shown in so many orders at most. Examples with more than `list_size` responses
    are judged in lists of them: then a sample is a set of judgments, and `num_orders` is nothing.
    """

    template: Template
    backend: Backend
    ledger: Ledger
    sampling: Sampling
    tallies: Tallies = field(default_factory=Tallies)
    num_orders: int | None = None
    list_size: int | None = None
    judge: int = field(default=-1, init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.backend.concurrency)

    def beside(self, template: Template, sampling: Sampling, tallies: Tallies) -> "Sampler":
        """Draws with another template from the same backend into the same ledger; both share its slots."""
        other = Sampler(template, self.backend, self.ledger, sampling, tallies)
        other._slots = self._slots
        return other

    async def start(self) -> None:
        """Learn who the judge is, once; before it nothing can be drawn.

        Raises:
            BackendDown: If the judge cannot be asked at all.
        """
        async with self._starting:
            if self.judge < 0:
                key = judge_key(dict(await self.backend.identity()), self.template, self.sampling)
                self.judge = self.ledger.judge_id(key)

    async def draw(
        self, example: Example, samples: int, is_stopped: Callable[[], bool] = lambda: False, *, num_before: int = 0
    ) -> Drawn:
        """The judgments of this example in schedule order, all of them or an error; and the tokens they took.

        Once `is_stopped` says so, no further request is made. The first `num_before` samples were drawn before in this
        run, and are not counted as reused.

        Raises:
            TemplateError: If the template cannot take the example.
            BackendError: If a request failed for good; what came of the others is in the ledger.
            Stopped: If the run is stopping and this example is not complete.
        """
        how = {"num_orders": self.num_orders, "list_size": self.list_size}
        plan = make_plan(example, self.template, self.sampling, samples, **how)
        number = self.ledger.example_id(example.content(), example.id)
        before = frozenset(self.schedule(example, num_before) if num_before else ())
        self.tallies.neutralised += not before and any(prompt.neutralised for prompt in plan.prompts.values())
        fills = (self._fill(_Task(example.id, number, order, plan, is_stopped, before)) for order in plan.prompts)
        outcomes = await asyncio.gather(*fills, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:  # what went wrong is told before that there was no time for the rest
            raise min(errors, key=lambda error: isinstance(error, Stopped))
        found = {order: kept for order, kept in zip(plan.prompts, outcomes, strict=True) if isinstance(kept, dict)}
        return self._read(plan.schedule, found)

    def kept(self, example: Example, samples: int) -> Drawn:
        """Those of the example's judgments that the ledger has, in schedule order, and the tokens they took."""
        number = self.ledger.find_example(example.content())
        if number is None:
            return (), None
        schedule = self.schedule(example, samples)
        return self._read(schedule, {order: self.ledger.find(self.judge, number, order) for order, _ in schedule})

    def schedule(self, example: Example, samples: int) -> tuple[tuple[Order, int], ...]:
        """Order and stream of each of so many samples."""
        how = {"num_orders": self.num_orders, "list_size": self.list_size}
        return make_schedule(example, self.sampling, samples, **how)

    def kept_streams(self, example: Example, order: Order) -> set[int]:
        """The streams of one order that the ledger has."""
        number = self.ledger.find_example(example.content())
        return set() if number is None else set(self.ledger.find(self.judge, number, order))

    def _read(self, schedule: Sequence[tuple[Order, int]], found: dict[Order, dict[int, Stored]]) -> Drawn:
        rows = [(order, stream, found[order][stream]) for order, stream in schedule if stream in found[order]]
        is_soft = self.sampling.alternatives > 0
        judgments = tuple(
            read_judgment(self.template, order, stream, row, is_soft=is_soft) for order, stream, row in rows
        )
        return judgments, tokens_of(row for _, _, row in rows)

    async def _fill(self, task: "_Task") -> dict[int, Stored]:
        """Ask for one order's streams until the ledger has them all."""
        wanted = task.plan.streams(task.order)
        kept = self.ledger.find(self.judge, task.example, task.order)
        self.tallies.reused += sum(stream in kept and (task.order, stream) not in task.before for stream in wanted)
        while requests := plan_requests(wanted, kept, self.backend, self.sampling):
            waits = await asyncio.gather(*(self._ask(task, streams) for streams in requests))
            if any(waits):
                self.ledger.forget_dead_runs()
                await asyncio.sleep(WAIT_FOR_OTHERS_S)
            kept = self.ledger.find(self.judge, task.example, task.order)
        return kept

    async def _ask(self, task: "_Task", streams: Sequence[int]) -> bool:
        """One request, claimed and committed; true if somebody else is asking for part of it."""
        async with self._slots:
            if task.is_stopped():
                raise Stopped
            claim = self.ledger.claim(self.judge, task.example, task.order, streams)
            for ours in split_blocks(claim.ours, len(streams)):
                await self._request(task, ours)
        return bool(claim.theirs)

    async def _request(self, task: "_Task", streams: Sequence[int]) -> None:
        place = (self.judge, task.example, task.order)
        prompt = task.plan.prompts[task.order]
        num_kept = 0
        try:
            answer = await self.backend.sample(task.request(streams, self.sampling))
            rows = to_stored(answer, prompt, self.sampling)
            self.ledger.commit(*place, streams[: len(rows)], rows)
            num_kept = len(rows)
        finally:
            if num_kept < len(streams):
                self.ledger.release(*place, streams[num_kept:])
        self._count(answer)

    def _count(self, answer: Answer) -> None:
        self.tallies.requests += 1
        self.tallies.asked += len(answer.generations)
        self.tallies.prompt_tokens += answer.prompt_tokens or 0
        self.tallies.completion_tokens += answer.completion_tokens or 0


@dataclass(frozen=True, slots=True)
class _Task:
    """One order of one example: `example` is its number in the ledger, `before` what was drawn of it in this run."""

    example_id: str
    example: int
    order: Order
    plan: Plan
    is_stopped: Callable[[], bool]
    before: frozenset[tuple[Order, int]]

    def request(self, streams: Sequence[int], sampling: Sampling) -> Request:
        return Request(
            messages=self.plan.prompts[self.order].messages,
            num_samples=len(streams),
            first_stream=streams[0],
            seed=self.plan.seeds[self.order],
            sampling=sampling,
            example_id=self.example_id,
            example_key=self.plan.key,
            order=self.order,
        )


def judge_key(model: dict[str, object], template: Template, sampling: Sampling) -> JudgeKey:
    """What a judgment by this judge depends on besides the example, the order and the stream."""
    return JudgeKey(model, template.name, template.fingerprint, sampling.to_json())


def make_schedule(
    example: Example,
    sampling: Sampling,
    samples: int,
    *,
    num_orders: int | None = None,
    list_size: int | None = None,
) -> tuple[tuple[Order, int], ...]:
    """Order and stream of every judgment; at temperature 0 each order is drawn once, more would be copies."""
    if not isinstance(samples, Integral) or not 1 <= samples <= MAX_STREAMS:
        raise ValueError(f"samples is {samples!r}; expected a whole number from 1 to {MAX_STREAMS}")
    num, how = len(example.responses), {"list_size": list_size, "num_orders": num_orders}
    schedule = schedule_of(num, samples, seed=sampling.seed, key=example.key, **how)
    return tuple(entry for entry in schedule if sampling.temperature > 0 or entry[1] == 0)


def make_plan(
    example: Example,
    template: Template,
    sampling: Sampling,
    samples: int,
    *,
    num_orders: int | None = None,
    list_size: int | None = None,
) -> Plan:
    """Everything that will be asked about one example; nothing is sent yet.

    Raises:
        TemplateError: If the template cannot take the example.
    """
    schedule = make_schedule(example, sampling, samples, num_orders=num_orders, list_size=list_size)
    key = example.key
    orders = list(dict.fromkeys(order for order, _ in schedule))
    return Plan(
        key,
        schedule,
        {order: render_shown(template, example, order) for order in orders},
        {order: order_seed(key, order, sampling.seed) for order in orders},
    )


def order_seed(key: str, order: Order, seed: int) -> int:
    """The seed of stream 0 of this content in this order, with room for all streams.

    Two of 10,000 pairs overlap with a chance of about one in a million.
    """
    digest = content_key({"seed": seed, "order": list(order), "content": key})
    return int(digest[:16], 16) % (SEED_SPACE - MAX_STREAMS)


def plan_requests(
    wanted: Iterable[int], kept: Container[int], backend: Backend, sampling: Sampling
) -> list[tuple[int, ...]]:
    """The requests that bring those of the wanted streams of one order that are not kept: the streams of each.

    Where streams are drawn in blocks, all that is not kept of a block is asked for with it. At temperature 0 there
    are none: nothing is drawn.
    """
    block_size = backend.block_size if sampling.temperature > 0 else 1
    blocks = dict.fromkeys(stream // block_size for stream in wanted if stream not in kept)
    streams = (stream for block in blocks for stream in range(block * block_size, (block + 1) * block_size))
    missing = [stream for stream in streams if stream not in kept]
    return split_blocks(missing, backend.max_samples, block_size=block_size)


def split_blocks(streams: Iterable[int], size: int, *, block_size: int = 1) -> list[tuple[int, ...]]:
    """Runs of consecutive streams, each of at most this size, and of one block if streams are drawn in blocks."""
    runs: list[list[int]] = []
    for stream in streams:
        is_new_block = block_size > 1 and stream % block_size == 0
        if runs and len(runs[-1]) < size and stream == runs[-1][-1] + 1 and not is_new_block:
            runs[-1].append(stream)
        else:
            runs.append([stream])
    return [tuple(run) for run in runs]


def to_stored(answer: Answer, prompt: Prompt, sampling: Sampling) -> list[Stored]:
    """One ledger row per generation; the prompt's tokens count for the first, the answers' are shared out evenly."""
    num = len(answer.generations)
    neutralised = [{"field": item.field, "offsets": list(item.offsets)} for item in prompt.neutralised]
    return [
        Stored(
            text=generation.text,
            finish_reason=generation.finish_reason,
            reasoning=generation.reasoning,
            logprobs=logprobs_text(generation, with_alternatives=sampling.alternatives > 0),
            neutralised=canonical(neutralised) if neutralised else None,
            prompt_tokens=_share(answer.prompt_tokens, index, 1),
            completion_tokens=_share(answer.completion_tokens, index, num),
        )
        for index, generation in enumerate(answer.generations)
    ]


def read_judgment(template: Template, order: Order, stream: int, stored: Stored, *, is_soft: bool = False) -> Judgment:
    """Parse what was written and put scores and critiques back into input order, with soft scores if wanted."""
    reading = template.parse(stored.text, len(order), finish_reason=stored.finish_reason)
    places = [order.index(index) for index in sorted(order)]
    return Judgment(
        principles=reading.principles,
        critique=reading.critique,
        scores=None if reading.scores is None else tuple(reading.scores[place] for place in places),
        order=order,
        text=stored.text,
        stream=stream,
        finish_reason=stored.finish_reason,
        unparsed_reason=reading.unparsed_reason,
        critiques=None if reading.critiques is None else tuple(reading.critiques[place] for place in places),
        soft=_soft(template, order, stored) if is_soft and reading.scores is not None else None,
    )


def _soft(template: Template, order: Order, stored: Stored) -> SoftScores:
    tokens = read_logprobs(stored.logprobs)
    return read_soft(template, stored.text or "", tokens, order=order, finish_reason=stored.finish_reason)


def tokens_of(rows: Iterable[Stored]) -> Tokens | None:
    """What these judgments took together; None if the judge did not say for one of them."""
    prompt = completion = 0
    for row in rows:
        if row.prompt_tokens is None or row.completion_tokens is None:
            return None
        prompt += row.prompt_tokens
        completion += row.completion_tokens
    return Tokens(prompt, completion)


def _share(total: int | None, index: int, parts: int) -> int | None:
    if total is None:
        return None
    if index >= parts:
        return 0
    return total // parts + (index < total % parts)
