"""Have a judge sample many Examples, in as many processes as the machine has use for, all into one ledger.

What is in the ledger is never asked for again: killed and started anew, sampling goes on where it was.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from grmkit.backends import Sampling
from grmkit.backends.http import HttpSettings
from grmkit.errors import BackendError
from grmkit.scoring import GenerativeJudge, load
from grmkit.types import Example, Verdict

CHUNK = 512  # examples whose verdicts are held at once
RETRY = ("backend",)


@dataclass(frozen=True, slots=True)
class Judge:
    """Who samples, and how: what `grmkit.load` takes, as values that can travel to another process.

    Args:
        name: The judge, as `load` takes it.
        template: The template's name.
        ledger: The file its judgments are kept in.
        sampling: Temperature, room for the answer, seed.
        model: The judge's name on its server.
        workers: How many processes sample at once.
        concurrency: Requests under way at once, per process.
        num_orders: In how many orders an example's responses are shown at most; None: in all that balance asks for.
    """

    name: str
    template: str
    ledger: Path
    sampling: Sampling = field(default_factory=Sampling)
    model: str | None = None
    workers: int = 1
    concurrency: int = 64
    num_orders: int | None = None

    def told(self) -> "Judge":
        """The same judge, told the label."""
        return replace(self, template=f"{self.template}-hinted")

    def open(self) -> GenerativeJudge:
        judge = load(
            self.name,
            model=self.model,
            template=self.template,
            ledger=self.ledger,
            sampling=self.sampling,
            http=HttpSettings(concurrency=self.concurrency),
        )
        judge.num_orders = self.num_orders
        judge.refuse = None  # what a judge is trained on may well be new to it
        return judge


def draw(judge: Judge, examples: Sequence[Example], samples: int) -> Iterator[tuple[Example, Verdict]]:
    """Every example with the judge's verdict on it, in order; all judgments are in the ledger before the first comes.

    An example that its template or context cannot take comes with a verdict that abstains.

    Raises:
        BackendDown: If the judge cannot be asked at all.
        BackendError: If some requests failed for good: what came of the others is kept, run again to complete.
    """
    if judge.workers > 1:
        _fill_ledger(judge, examples, samples)
    opened = judge.open()
    try:
        for chunk in _chunks(examples):
            verdicts = opened.score_all(chunk, samples=samples)
            _check_complete(verdicts)
            yield from zip(chunk, verdicts, strict=True)
    finally:
        opened.close()


def _fill_ledger(judge: Judge, examples: Sequence[Example], samples: int) -> None:
    parts = [examples[part :: judge.workers] for part in range(judge.workers)]
    with ProcessPoolExecutor(judge.workers, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(_draw_part, judge, part, samples) for part in parts if part]:
            future.result()


def _draw_part(judge: Judge, examples: Sequence[Example], samples: int) -> None:
    opened = judge.open()
    try:
        for chunk in _chunks(examples):
            opened.score_all(chunk, samples=samples)
    finally:
        opened.close()


def _chunks(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    return (examples[start : start + CHUNK] for start in range(0, len(examples), CHUNK))


def _check_complete(verdicts: Sequence[Verdict]) -> None:
    failed = [verdict for verdict in verdicts if verdict.abstained and verdict.abstained.reason in RETRY]
    if failed:
        first = failed[0]
        why = first.abstained.detail if first.abstained else ""
        raise BackendError(
            f"{len(failed)} of {len(verdicts)} examples failed at the judge, first {first.id}: {why}; what was sampled "
            "is kept, run the same command again to complete it"
        )
