"""Draw judgments in rounds: each example until its decision is safe, or all of them until a budget is spent.

What is decided depends on the judgments alone, never on which came first, so a run that was killed goes on to the same
verdicts. In between nothing is held: texts are in the ledger.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from grmkit.errors import BackendDown, BackendError, LedgerError, TemplateError
from grmkit.scoring.budget import first_round, next_round
from grmkit.scoring.guided import MetaSamples
from grmkit.scoring.lists import render_shown
from grmkit.scoring.meta_scoring import MetaScorer
from grmkit.scoring.principles import Writer
from grmkit.scoring.sampling import Drawn, Sampler, Stopped
from grmkit.scoring.soft_vote import Soft, voting
from grmkit.scoring.stopping import POOL_SIZE, Prior, Rows, chance_of_change, looks, pooled_prior, weigh
from grmkit.scoring.tally import Rule, meta_scores_of
from grmkit.scoring.voting import winners
from grmkit.types import Example, Judgment, Verdict

Draw = Callable[[Example, int], Awaitable[Drawn]]
"""How the judgments of an example come about; the number is its place in the run."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draws judgments, of examples that were given principles if there is a writer; a meta RM, if any, scores them."""

    sampler: Sampler
    meta: MetaScorer | None
    writer: Writer | None = None

    async def start(self) -> None:
        """Learn who judges, before anything is drawn.

        Raises:
            BackendDown: If the judge cannot be asked, or the meta RM cannot be loaded.
        """
        if self.meta is not None:
            await self.meta.start()
        await self.sampler.start()
        if self.writer is not None:
            await self.writer.sampler.start()

    async def draw(
        self, example: Example, samples: int, is_stopped: Callable[[], bool] = lambda: False, *, num_before: int = 0
    ) -> Drawn:
        """The first so many judgments of the schedule; the first `num_before` were drawn before in this run."""
        shown = await self._shown(example, is_stopped)
        judgments, tokens = await self.sampler.draw(shown, samples, is_stopped, num_before=num_before)
        return await self._scored(shown, judgments, is_stopped, num_before), tokens

    async def kept(self, example: Example, samples: int) -> Drawn:
        """The same of what was drawn before in this run."""
        shown = await self._shown(example, lambda: False)
        judgments, tokens = self.sampler.kept(shown, samples)
        return await self._scored(shown, judgments, lambda: False, samples), tokens

    def left(self, example: Example, samples: int) -> Drawn:
        """What the ledger has of an example that something went wrong with; nothing is asked for."""
        shown = self._known(example)
        return ((), None) if shown is None else self.sampler.kept(shown, samples)

    def told(self, example: Example, verdict: Verdict) -> Verdict:
        """The verdict, with the principles that were written for it."""
        if self.writer is None or example.principles:
            return verdict
        shown = self._known(example)
        return verdict if shown is None else replace(verdict, given=shown.principles)

    async def _shown(self, example: Example, is_stopped: Callable[[], bool]) -> Example:
        """The example as the judge is shown it.

        Raises:
            TemplateError: If the template cannot take the example; no principles are written for it then.
        """
        if self.writer is None:
            return example
        first, _ = self.sampler.schedule(example, 1)[0]
        render_shown(self.sampler.template, example, first)
        return await self.writer.give(example, is_stopped)

    def _known(self, example: Example) -> Example | None:
        return example if self.writer is None else self.writer.known(example)

    async def _scored(
        self, example: Example, judgments: tuple[Judgment, ...], is_stopped: Callable[[], bool], num_before: int
    ) -> tuple[Judgment, ...]:
        if self.meta is None:
            return judgments
        return await self.meta.score(example, judgments, is_stopped, num_before=num_before)

    def count(self, planned: int, spent: int) -> None:
        """Note of an example how many judgments it could have had, and how many it got."""
        self.sampler.tallies.planned += planned
        self.sampler.tallies.spent += spent

    def looks(self, example: Example, samples: int) -> tuple[int, ...]:
        """After how many judgments to look; greedily, each order is drawn once."""
        sampling, backend = self.sampler.sampling, self.sampler.backend
        schedule = self.sampler.schedule(example, samples)
        block_size = backend.block_size if sampling.temperature > 0 else 1
        orders = {order for order, _ in schedule}
        return looks(len(example.responses), len(schedule), block_size=block_size, num_orders=len(orders))


@dataclass(frozen=True, slots=True)
class Contest:
    """How a decision is made, and how safe it has to be.

    Args:
        rule: What decides.
        meta_samples: How many a meta RM keeps; None without one.
        scale: The scale's width, in points.
        stop: The chance that a decision stands, above which it is left alone; None: only once it is certain.
        soft: Whether soft scores are the `scores` that decide. That they break `ties` is nothing to wait for: a tie of
            the vote counts as open.
    """

    rule: Rule
    meta_samples: MetaSamples | None
    scale: float
    stop: float | None
    soft: Soft | None = None

    @property
    def width(self) -> float:
        """How far one judgment moves a gap: as a vote by one, or by the width of the scale."""
        return 1.0 if self.rule == "majority" else self.scale

    def count(self, judgments: Sequence[Judgment]) -> "Counted":
        """What decides: a row per readable judgment, and what the meta RM makes of it."""
        judgments = voting(judgments, self.soft)
        rows = [judgment.scores for judgment in judgments if judgment.scores is not None]
        trust = None if self.meta_samples is None else meta_scores_of(judgments)
        return Counted(winners(rows) if self.rule == "majority" else rows, trust)

    def pooled(self, counted: "Counted") -> Rows:
        """What tells how gaps vary."""
        is_soft = isinstance(self.meta_samples, str) and counted.trust is not None
        return weigh(counted.rows, counted.trust or ()) if is_soft else counted.rows

    def chance(self, counted: "Counted", num_left: int, prior: Prior) -> float | None:
        """The chance that the decision changes; 0 if it is safe enough, None if there is none to be made."""
        chance = chance_of_change(
            counted.rows,
            num_left,
            width=self.width,
            prior=prior,
            meta_scores=counted.trust,
            meta_samples=self.meta_samples or 1.0,
        )
        is_safe = chance is not None and self.stop is not None and chance < 1 - self.stop
        return 0.0 if is_safe else chance


@dataclass(frozen=True, slots=True)
class Counted:
    """What was read of one example so far: rows as they decide, and their meta scores if there is a meta RM."""

    rows: Rows = ()
    trust: Sequence[float] | None = None


class Pool:
    """The prior of a run: made once the first look at each of its first examples is in.

    Args:
        num_expected: How many examples there are to look at; places from 0.
        width: The width of the scale they vary on.
    """

    def __init__(self, num_expected: int, *, width: float) -> None:
        self._missing = set(range(num_expected))
        self._width = width
        self._rows: list[Rows] = []
        self._prior: Prior | None = None
        self._is_complete = asyncio.Event()

    def report(self, place: int, rows: Rows | None, *, is_stopped: bool = False) -> None:
        """What the first look at one example showed; None if there was nothing. Only its first report counts.

        If the run was stopped before the look, there is no prior any more: another one would decide otherwise.
        """
        if place not in self._missing:
            return
        self._missing.remove(place)
        self._rows.extend([] if rows is None else [rows])
        if is_stopped:
            self._is_complete.set()
        elif not self._missing and not self._is_complete.is_set():
            self._prior = pooled_prior(self._rows, width=self._width)
            self._is_complete.set()

    async def prior(self) -> Prior:
        """Raises:
        Stopped: If the run is stopping.
        """
        await self._is_complete.wait()
        if self._prior is None:
            raise Stopped
        return self._prior


@dataclass(frozen=True, slots=True)
class Run:
    """One call to judge examples: who draws, how many at most, how decisions are made, whether it is to end."""

    drawing: Drawing
    samples: int
    contest: Contest
    pool: Pool
    is_stopped: Callable[[], bool]


def until_decided(run: Run) -> Draw:
    """Draw an example's judgments look by look, until its decision is safe; of a single response, all of them.

    Without a chance to stop at, all are drawn at once.
    """

    async def draw(example: Example, place: int) -> Drawn:
        if run.contest.stop is None:
            return await run.drawing.draw(example, run.samples, run.is_stopped)
        times = run.drawing.looks(example, run.samples)
        found: Drawn = ((), None)
        num = 0
        for time in times if len(example.responses) > 1 else times[-1:]:
            found = await run.drawing.draw(example, time, run.is_stopped, num_before=num)
            num = time
            counted = run.contest.count(found[0])
            run.pool.report(place, run.contest.pooled(counted))
            if num < times[-1] and run.contest.chance(counted, times[-1] - num, await run.pool.prior()) == 0:
                break
        run.drawing.count(times[-1], num)
        return found

    return draw


@dataclass(slots=True)
class _Item:
    """One example of a run with a budget: how far it is, and what went wrong with it."""

    example: Example
    looks: tuple[int, ...]
    num: int = 0
    counted: Counted = Counted()
    chance: float | None = 1.0
    error: TemplateError | BackendError | None = None

    @property
    def step(self) -> int:
        """How many judgments to its next look; 0 if there is none."""
        is_over = self.error is not None or self.num >= self.looks[-1]
        return 0 if is_over else next(look for look in self.looks if look > self.num) - self.num


async def within_budget(run: Run, examples: Sequence[Example | None], budget: int) -> Draw:
    """Spend the budget over all examples, round by round; then give what was drawn of each.

    Args:
        run: Who draws and decides.
        examples: What to judge; None in the place of one that is not to be.
        budget: How many judgments there are for all.

    Raises:
        BackendDown: If the judge cannot be asked at all.
        LedgerError: If judgments cannot be kept.
        Stopped: If the run is stopping.
    """
    drawing, contest = run.drawing, run.contest
    items = {
        place: _Item(one, drawing.looks(one, run.samples)) for place, one in enumerate(examples) if one is not None
    }
    every = list(items.values())
    nums = dict(enumerate(first_round(budget, [item.step for item in every])))
    prior: Prior | None = None
    while nums:
        await _draw_all(run, [(every[index], num) for index, num in nums.items()])
        prior = prior or pooled_prior([contest.pooled(item.counted) for item in every[:POOL_SIZE]], width=contest.width)
        for item in (every[index] for index in nums):
            item.chance = contest.chance(item.counted, item.looks[-1] - item.num, prior)
        left = budget - sum(item.num for item in every)
        chances, steps = [item.chance for item in every], [item.step for item in every]
        nums = next_round(chances, steps, [item.num for item in every], left)
    for item in every:
        if item.error is None:
            drawing.count(item.looks[-1], item.num)

    async def draw(example: Example, place: int) -> Drawn:
        if (error := items[place].error) is not None:
            raise error
        return await drawing.kept(example, items[place].num)

    return draw


async def _draw_all(run: Run, wanted: Sequence[tuple[_Item, int]]) -> None:
    """So many more judgments of each of these; what keeps all others from being drawn too is raised."""
    is_over = asyncio.Event()

    def is_stopped() -> bool:
        return is_over.is_set() or run.is_stopped()

    async def draw(item: _Item, num: int) -> None:
        try:
            found, _ = await run.drawing.draw(item.example, item.num + num, is_stopped, num_before=item.num)
        except (TemplateError, BackendError, LedgerError) as error:
            if isinstance(error, BackendDown | LedgerError):
                is_over.set()
                raise
            item.error = error
        else:
            item.num, item.counted = item.num + num, run.contest.count(found)

    outcomes = await asyncio.gather(*(draw(item, num) for item, num in wanted), return_exceptions=True)
    errors = [outcome for outcome in outcomes if outcome is not None]
    if errors:
        raise min(errors, key=lambda error: isinstance(error, Stopped))
