"""Principles written once per query, from the query alone, for every judgment of every example that has it.

Source: IP-GRM (arXiv 2602.10019). The judge is asked in a template of its own, which shows no response, with the same
model and sampling. What it writes is kept in the ledger like a judgment, of the query with a blank for its responses:
so other examples, samples, runs and processes find it there. An example that was given principles is another content,
with orders and streams of its own.

What cannot be read is asked for again, in the next stream, up to `TRIES` times in all (at temperature 0 once: more
would be copies). If nothing can be read then, nothing is given: each judgment writes its own principles, as it does
without any of this, and the query is counted.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal
from weakref import WeakValueDictionary

from grmkit.errors import PromptTooLong, TemplateError
from grmkit.scoring.sampling import Sampler, Tallies
from grmkit.templates import Template, load_template
from grmkit.templates.principles import principles_template
from grmkit.types import Example, Principle, Tokens

Source = Literal["judgment", "query"]
"""Who writes principles: each judgment its own, from query and responses; or somebody once, from the query alone."""

SOURCES: tuple[Source, ...] = ("judgment", "query")
BLANK = "-"  # stands where a response would; it is not shown
TRIES = 4
_MARK = "qxzgivenzxq"


@dataclass(slots=True)
class PrincipleTallies:
    """What was done for principles so far; a query counts once, however many examples have it.

    `drawn` is what was asked for now. `tokens` is what the principles of these queries took, whenever that was, as far
    as the judge told.
    """

    drawn: Tallies = field(default_factory=Tallies)
    tokens: Tokens = field(default_factory=lambda: Tokens(0, 0))
    _is_written: dict[int, bool] = field(default_factory=dict)

    @property
    def queries(self) -> int:
        """How many queries principles were wanted for."""
        return len(self._is_written)

    @property
    def unreadable(self) -> int:
        """For how many of them nothing could be read: their judgments wrote their own."""
        return sum(not is_written for is_written in self._is_written.values())

    def note(self, asked: Example, tokens: Tokens | None, *, is_written: bool) -> None:
        """Count a query, if it is new."""
        name = int(asked.key[:15], 16)
        if name not in self._is_written:
            self._is_written[name] = is_written
            told = tokens or Tokens(0, 0)
            self.tokens = Tokens(self.tokens.prompt + told.prompt, self.tokens.completion + told.completion)


@dataclass(slots=True)
class Writer:
    """Has principles written, for all callers in one event loop; a query that many ask about at once is asked once.

    Args:
        sampler: Draws with the template that asks for principles.
        tallies: Where it is counted.
    """

    sampler: Sampler
    tallies: PrincipleTallies = field(default_factory=PrincipleTallies)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, init=False)

    async def give(self, example: Example, is_stopped: Callable[[], bool] = lambda: False) -> Example:
        """The example with the principles of its query; as it is if it brings some, or if none could be read.

        Raises:
            BackendError: If a request failed for good.
            Stopped: If the run is stopping and they are not in the ledger.
        """
        if example.principles:
            return example
        asked = query_of(example)
        async with self._locks.setdefault(asked.key, asyncio.Lock()):
            num, written = self.read(asked)
            while written is None:
                await self.sampler.draw(asked, num + 1, is_stopped)
                num, written = self.read(asked)
        self.tallies.note(asked, self.sampler.kept(asked, num)[1], is_written=bool(written))
        return replace(example, principles=written)

    async def give_all(self, examples: Iterable[Example]) -> list[Example]:
        """The same of many; one whose query is too long for the judge stays as it is.

        Raises:
            BackendError: If a request failed for good; what came of the others is in the ledger.
        """
        examples = list(examples)
        outcomes = await asyncio.gather(*map(self.give, examples), return_exceptions=True)
        errors = [found for found in outcomes if isinstance(found, BaseException)]
        for error in errors:
            if not isinstance(error, PromptTooLong):
                raise error
        return [
            one if isinstance(found, BaseException) else found for one, found in zip(examples, outcomes, strict=True)
        ]

    def known(self, example: Example) -> Example | None:
        """The same from the ledger alone; None if the query still has to be asked about."""
        if example.principles:
            return example
        _, written = self.read(query_of(example))
        return None if written is None else replace(example, principles=written)

    def read(self, asked: Example) -> tuple[int, tuple[Principle, ...] | None]:
        """How many tries the ledger has of a query, up to the first that can be read; and what was written.

        Nothing, if no try can be read and there are no more; None, if there are.
        """
        kept, _ = self.sampler.kept(asked, TRIES)
        whole = takewhile(lambda numbered: numbered[0] == numbered[1].stream, enumerate(kept))
        tries = [judgment for _, judgment in whole]
        for place, judgment in enumerate(tries):
            if judgment.principles:
                return place + 1, judgment.principles
        most = TRIES if self.sampler.sampling.temperature > 0 else 1
        return len(tries), () if len(tries) >= most else None


def make_writer(sampler: Sampler, tallies: PrincipleTallies) -> Writer:
    """A writer for the judge that this sampler draws from; both share its slots."""
    template = load_template(principles_template(sampler.template.name))
    sampling = replace(
        sampler.sampling, logprobs=False, alternatives=0
    )  # they are of no use here, and would be another judge's
    return Writer(sampler.beside(template, sampling, tallies.drawn), tallies)


def query_of(example: Example) -> Example:
    """What is asked and kept for the query of an example. Its name is not the example's, whose judgments are others."""
    return Example(example.query, (BLANK,), id=f"principles of {example.id}")


def check_source(source: str, template: Template) -> None:
    """Check where principles are to come from, before anything is sent.

    Raises:
        ValueError: If there is no such source, or the template does not show principles that it is given.
    """
    if source not in SOURCES:
        raise ValueError(f"principles is {source!r}; expected one of {', '.join(SOURCES)}")
    if source == "query" and not shows_principles(template):
        raise ValueError(
            f"principles is 'query', and the prompt of template {template.name!r} does not show principles that it is "
            "given; expected one that does: write {{ principles }} into the prompt file, or use another template"
        )


def shows_principles(template: Template) -> bool:
    """Whether principles that are given turn up in the prompt, of a pair or of a single response."""
    given = (Principle(_MARK, "Fit", 100.0),)
    pair = Example("q", ("a", "b"), principles=given, label=0)
    for example in (pair, Example("q", ("a",), principles=given, label=(1.0,))):
        try:
            prompt = template.render(example, range(len(example.responses)))
        except TemplateError:  # it takes another number of responses
            continue
        if any(_MARK in message.content for message in prompt.messages):
            return True
    return False
