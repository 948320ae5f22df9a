"""What `grm score` does: check all data, score it as a stream, write verdicts in input order, say what happened."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from grmkit.backends import Sampling
from grmkit.cli import EXIT_INCOMPLETE, EXIT_STOPPED
from grmkit.cli.output import Output, open_output
from grmkit.cli.progress import Progress
from grmkit.config import ScoreConfig
from grmkit.data import parse_columns, read_examples
from grmkit.errors import DataError
from grmkit.scoring import GenerativeJudge, Prices, break_tie, load
from grmkit.scoring.budget import check_budget
from grmkit.scoring.load import default_temperature
from grmkit.scoring.sampling import Tallies
from grmkit.types import Example, Verdict


@dataclass(slots=True)
class Report:
    """Counts over the verdicts of one run."""

    num_examples: int
    num_bad: int
    done: int = 0
    ties: int = 0
    judgments: int = 0
    abstained: Counter[str] = field(default_factory=Counter)
    unparsed: Counter[str] = field(default_factory=Counter)
    softened: int = 0
    not_soft: Counter[str] = field(default_factory=Counter)
    cost: float | None = None

    def add(self, verdict: Verdict) -> None:
        self.done += 1
        self.ties += verdict.is_tie
        self.judgments += verdict.samples
        self.abstained.update([verdict.abstained.reason] if verdict.abstained else [])
        self.unparsed.update(str(j.unparsed_reason) for j in verdict.judgments if not j.is_parsed)
        soft = [judgment.soft for judgment in verdict.judgments if judgment.soft is not None]
        self.softened += len(soft)
        self.not_soft.update(one.reason for one in soft if one.reason is not None)
        if verdict.cost is not None:
            self.cost = (self.cost or 0.0) + verdict.cost


def run_score(config: ScoreConfig) -> int:
    """Score as configured; returns the exit code."""
    with spooled(config.data) as source:
        num_examples, num_bad = check_examples(config, source)
        if config.budget is not None:
            check_budget(config.budget, num_examples)
        judge = load_judge(config)
        examples = read(config, source, [])
        if config.dry_run:
            from grmkit.cli.dry_run import describe

            return asyncio.run(describe(judge, examples, config))
        return _run(config, judge, examples, Report(num_examples, num_bad))


def _run(config: ScoreConfig, judge: GenerativeJudge, examples: Iterator[Example], report: Report) -> int:
    num_lost = judge.ledger.num_lost
    in_use = (config.data, config.judge.removeprefix("recorded:"), judge.ledger.path, config.prompt_file)
    with open_output(config.output, console=Console(), not_onto=in_use) as output:
        try:
            return asyncio.run(_score(config, judge, examples, report, output))
        except asyncio.CancelledError:  # the second Ctrl-C
            return EXIT_STOPPED
        except BrokenPipeError:  # nobody reads on; what was judged is kept
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_STOPPED
        finally:
            say_lost(judge.ledger.num_lost - num_lost)
            say(report, judge.tallies)
            say_kept(report, output, config)


@contextlib.contextmanager
def spooled(data: str) -> Iterator[str]:
    """A source that can be read twice: standard input goes through a temporary file."""
    if data != "-":
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin.jsonl"
        with path.open("wb") as file:
            while block := sys.stdin.buffer.read(1 << 20):
                file.write(block)
        try:
            yield str(path)
        except DataError as error:
            raise DataError(str(error).replace(str(path), "<stdin>")) from error


def read(config: ScoreConfig, source: str, skipped: list[DataError]) -> Iterator[Example]:
    columns = parse_columns(config.columns) if config.columns else None
    return read_examples(source, columns=columns, limit=config.limit, skipped=skipped if config.skip_bad else None)


def check_examples(config: ScoreConfig, source: str) -> tuple[int, int]:
    """Read everything once before anything is sent: how many examples there are, and how many bad rows.

    Raises:
        DataError: If a row is bad and bad rows are not to be skipped, or if no good row is left.
    """
    skipped: list[DataError] = []
    count = sum(1 for _ in read(config, source, skipped))
    for error in skipped[:3]:
        err(f"skipped: {str(error).replace(source, config.data)}")
    if len(skipped) > 3:
        err(f"skipped: {len(skipped) - 3} more bad rows")
    if not count:
        raise DataError(f"{source}: all {len(skipped)} rows are bad; nothing is left to score")
    return count, len(skipped)


def load_judge(config: ScoreConfig) -> GenerativeJudge:
    from grmkit.backends.http import HttpSettings

    judge = load(
        config.judge,
        model=config.model,
        template=config.template,
        prompt_file=config.prompt_file,
        ledger=None if config.no_ledger else config.ledger or "default",
        sampling=Sampling(
            default_temperature(config.judge) if config.temperature is None else config.temperature,
            config.top_p,
            config.max_tokens,
            config.seed,
            config.logprobs,
        ),
        http=HttpSettings(
            api_key_env=config.api_key_env,
            model_revision=config.model_revision,
            concurrency=config.concurrency,
            timeout_s=config.timeout_s,
            retries=config.retries,
        ),
        meta_rm=config.meta_rm,
        meta_samples=config.meta_samples,
        soft=config.soft,
    )
    judge.rule = config.vote
    judge.refuse = None if config.force else judge.refuse
    judge.prices = None if config.prices is None else Prices(*config.prices)
    say_lost(judge.ledger.num_lost)
    return judge


async def _score(
    config: ScoreConfig, judge: GenerativeJudge, examples: Iterator[Example], report: Report, output: Output
) -> int:
    stopped = stop_on_interrupt()
    found = judge.ascore_each(
        examples, samples=config.samples, stop=config.stop, budget=config.budget, interrupt=stopped
    )
    with Progress(report.num_examples, judge.tallies) as progress:
        try:
            async with contextlib.aclosing(found) as verdicts:
                async for verdict in _with_ties_broken(verdicts, config):
                    report.add(verdict)
                    output.write(verdict)
                    progress.advance(verdict)
        finally:
            await judge.aclose()
    if stopped.is_set():
        return EXIT_STOPPED
    output.finish()
    return EXIT_INCOMPLETE if report.abstained["backend"] else 0


async def _with_ties_broken(verdicts: AsyncIterator[Verdict], config: ScoreConfig) -> AsyncIterator[Verdict]:
    async for verdict in verdicts:
        is_broken = config.ties == "random" and verdict.is_tie
        yield replace(verdict, best=break_tie(verdict, seed=config.seed)) if is_broken else verdict


def stop_on_interrupt() -> asyncio.Event:
    """First Ctrl-C: let what is under way finish. Second: stop at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def interrupt() -> None:
        if stopped.is_set() and main is not None:
            main.cancel()
            return
        stopped.set()
        err("stopping: requests under way finish first; press Ctrl-C again to leave them")

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return stopped


def say(report: Report, tallies: Tallies) -> None:
    """What happened, on standard error."""
    num_abstained = sum(report.abstained.values())
    scored = f"{report.done - num_abstained} scored ({report.ties} tied)"
    abstained = f"{num_abstained} abstained{listed(report.abstained)}"
    skipped = f", {report.num_bad} bad rows skipped" if report.num_bad else ""
    err(f"{report.done} of {report.num_examples} examples: {scored}, {abstained}{skipped}")
    asked = f"{tallies.asked} asked for in {tallies.requests} requests, {tallies.reused} from the ledger"
    err(f"{report.judgments} judgments: {asked}, {report.unparsed.total()} unreadable{listed(report.unparsed)}")
    if report.softened:
        num = report.not_soft.total()
        err(f"{report.softened - num} judgments have soft scores, {num} have none{listed(report.not_soft)}")
    if tallies.planned:
        saved = 100 * (1 - tallies.spent / tallies.planned)
        err(f"saved {saved:.0f} % of {tallies.planned:,} judgments")
    if tallies.meta_scored or tallies.meta_reused:
        err(f"{tallies.meta_scored:,} meta scores computed, {tallies.meta_reused:,} from the ledger")
    if tallies.asked:
        err(f"{tallies.prompt_tokens:,} prompt and {tallies.completion_tokens:,} completion tokens paid now")
    if report.cost is not None:
        err(f"cost of these verdicts: {report.cost:.6g}")
    if tallies.neutralised:
        err(f"{tallies.neutralised} examples imitate the prompt's structure: neutralised, see `grm ledger export`")
    if report.abstained["out_of_domain"]:
        err("nano is a demonstration judge of its own small world; --force lets it judge other text, at its own risk")
    if report.abstained["backend"]:
        err("some requests failed for good; run the same command again to complete them")


def say_lost(num_judgments: int) -> None:
    if num_judgments:
        err(f"{num_judgments} judgments were in flight when another run was killed; they are asked for again")


def say_kept(report: Report, output: Output, config: ScoreConfig) -> None:
    """Where the unfinished verdicts are, and how to go on."""
    if output.kept_at is None:
        return
    how = "nothing else was kept" if config.no_ledger else "run the same command again to go on from there"
    err(f"{report.done} verdicts are in {output.kept_at}; {how}")


def listed(counts: Counter[str]) -> str:
    return " (" + ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) + ")" if counts else ""


def err(text: str) -> None:
    sys.stderr.write(text + "\n")
