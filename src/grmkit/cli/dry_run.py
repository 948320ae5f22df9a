"""`grm score --dry-run`: what would be sent and what it would cost at most, without sending any of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import typer

from grmkit.cli import EXIT_JUDGE
from grmkit.config import ScoreConfig
from grmkit.errors import BackendDown, TemplateError
from grmkit.scoring import GenerativeJudge, Prices
from grmkit.scoring.principles import TRIES, Writer, make_writer, query_of
from grmkit.scoring.sampling import Plan, Sampler, make_plan, plan_requests
from grmkit.types import Example, Tokens

CHARS_PER_TOKEN = 4


@dataclass(slots=True)
class Outlook:
    """What is to come: requests, judgments, characters of prompt; each prompt once per request.

    `to_ask` may be more than `judgments` less `kept`: where streams are drawn in blocks, whole blocks are asked for.
    """

    examples: int = 0
    refused: int = 0
    judgments: int = 0
    kept: int = 0
    to_ask: int = 0
    requests: int = 0
    prompt_chars: int = 0
    neutralised: int = 0


async def describe(judge: GenerativeJudge, examples: Iterable[Example], config: ScoreConfig) -> int:
    """Print the first prompt and the totals; the only question asked of the judge is which model it is."""
    if judge.meta_rm is not None:
        await judge.meta_rm.backend.identity()  # whether there is one
    sampler = await _sampler(judge)
    outlook, asking = Outlook(), await _asking(judge, sampler)
    for example in examples:
        outlook.examples += 1
        if judge.refuse is not None and (why := judge.refuse(example)) is not None:
            outlook.refused += 1
            typer.echo(f"{example.id}: would be refused: {why}", err=True)
            continue
        try:
            plan = _plan(judge, example, config)
        except TemplateError as error:
            outlook.refused += 1
            typer.echo(f"{example.id}: would be refused: {error}", err=True)
            continue
        if outlook.examples == 1:
            first = next(iter(plan.prompts.values())).messages
            typer.echo("\n\n".join(message.content for message in first) + "\n" + "-" * 80)
        known = example if asking is None else asking.add(example)
        if known is None:  # nobody knows yet how its judgments will be asked for
            _add(outlook, example, plan, None, judge)
        else:
            _add(outlook, known, plan if known is example else _plan(judge, known, config), sampler, judge)
    _print(outlook, config, None if asking is None else asking.outlook)
    await judge.aclose()
    return 0 if sampler is not None else EXIT_JUDGE


def _plan(judge: GenerativeJudge, example: Example, config: ScoreConfig) -> Plan:
    return make_plan(example, judge.template, judge.sampling, config.samples, list_size=config.list_size)


async def _sampler(judge: GenerativeJudge) -> Sampler | None:
    sampler = Sampler(judge.template, judge.backend, judge.ledger, judge.sampling)
    try:
        await sampler.start()
    except BackendDown as error:
        typer.echo(f"the judge cannot be asked which model it is, so the ledger was not looked into: {error}", err=True)
        return None
    return sampler


@dataclass(slots=True)
class Asking:
    """What is to come for principles that are written once per query."""

    judge: GenerativeJudge
    writer: Writer
    outlook: Outlook = field(default_factory=Outlook)
    _seen: set[str] = field(default_factory=set[str])

    def add(self, example: Example) -> Example | None:
        """Count the example's query, if it is new; the example as it will be judged, if that is known already."""
        if example.principles:
            return example
        asked, sampler = query_of(example), self.writer.sampler
        num, written = self.writer.read(asked)
        if asked.key not in self._seen:
            self._seen.add(asked.key)
            plan = make_plan(asked, sampler.template, sampler.sampling, num + (written is None))
            self.outlook.examples += 1
            _add(self.outlook, asked, plan, sampler, self.judge)
        return None if written is None else replace(example, principles=written)


async def _asking(judge: GenerativeJudge, sampler: Sampler | None) -> Asking | None:
    if judge.principles != "query":
        return None
    found = sampler or Sampler(judge.template, judge.backend, judge.ledger, judge.sampling)
    writer = make_writer(found, judge.principle_tallies)
    if sampler is not None:
        await writer.sampler.start()
    return Asking(judge, writer)


def _add(outlook: Outlook, example: Example, plan: Plan, sampler: Sampler | None, judge: GenerativeJudge) -> None:
    outlook.judgments += len(plan.schedule)
    outlook.neutralised += any(prompt.neutralised for prompt in plan.prompts.values())
    for order, prompt in plan.prompts.items():
        streams = plan.streams(order)
        kept = set[int]() if sampler is None else sampler.kept_streams(example, order)
        requests = plan_requests(streams, kept, judge.backend, judge.sampling)
        outlook.kept += sum(stream in kept for stream in streams)
        outlook.to_ask += sum(map(len, requests))
        outlook.requests += len(requests)
        outlook.prompt_chars += len(requests) * sum(len(message.content) for message in prompt.messages)


def _print(outlook: Outlook, config: ScoreConfig, of_principles: Outlook | None) -> None:
    asking = of_principles or Outlook()
    to_ask, prompt_chars = outlook.to_ask + asking.to_ask, outlook.prompt_chars + asking.prompt_chars
    prompt_tokens = prompt_chars // CHARS_PER_TOKEN
    typer.echo(f"examples     {outlook.examples}" + (f" ({outlook.refused} refused)" if outlook.refused else ""))
    typer.echo(f"judgments    {outlook.judgments}: {outlook.kept} in the ledger, {outlook.to_ask} to ask for")
    typer.echo(f"requests     {outlook.requests}")
    for line in _of_principles(of_principles):
        typer.echo(line)
    for line in _at_most(outlook, config):
        typer.echo(line)
    typer.echo(f"prompts      {prompt_chars:,} characters, about {prompt_tokens:,} tokens (a guess: 4 to a token)")
    typer.echo(f"answers      at most {to_ask * config.max_tokens:,} tokens")
    if outlook.neutralised:
        typer.echo(f"neutralised  {outlook.neutralised} examples imitate the prompt's structure")
    if config.prices is not None:
        cost = Prices(*config.prices).cost(Tokens(prompt_tokens, to_ask * config.max_tokens))
        typer.echo(f"cost         about {cost:.6g} at most")


def _of_principles(asking: Outlook | None) -> Iterator[str]:
    """What is asked for before any judgment, and what that leaves open."""
    if asking is not None:
        told = f"{asking.to_ask} to ask for in {asking.requests} more requests"
        yield f"principles   of {asking.examples} queries: {told}"
    if asking is not None and asking.requests:
        yield f"             up to {TRIES} tries each; the prompts are longer by what will have been written"


def _at_most(outlook: Outlook, config: ScoreConfig) -> Iterator[str]:
    """What rounds and a meta RM change."""
    if config.budget is not None:
        yield f"budget       {min(config.budget, outlook.judgments):,} of these judgments at most, in rounds"
    if config.stop is not None:
        yield f"stop         at {config.stop:g}: these are the most there can be, in more and smaller requests"
    if config.meta_rm is not None:
        yield "meta RM      reads every judgment that can be read; what it said before is in the ledger"
