"""The examples a recipe learns from, checked before anything is paid for."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from grmkit.backends import Sampling
from grmkit.config.train import DataConfig, JudgeConfig, OptimConfig
from grmkit.corpora.draw import Judge
from grmkit.corpora.nano_items import nano_examples
from grmkit.corpora.rejection import why_not_labelled
from grmkit.data import read_examples
from grmkit.errors import RecipeError, TemplateError, TrainingError
from grmkit.templates import Template
from grmkit.training.rollouts import alike
from grmkit.types import Example

NANO = "nano"
Row = TypeVar("Row")

logger = logging.getLogger(__name__)


def training_examples(data: DataConfig, template: Template) -> tuple[list[Example], dict[str, int]]:
    """All examples of this source that have a label with one best response, and how many were left out for want of one.

    A single response's label must be a score that a judge can give by this template.

    Raises:
        RecipeError: If nano is asked for without a number.
        DataError: If a file cannot be read; it says where.
        TrainingError: If no example has a usable label.
    """
    found = _read(data)
    usable, faults = [], []
    for example in found:
        why = why_not_labelled(example) or why_never_right(example, template) or why_not_shown(example, template)
        if why is None:
            usable.append(example)
        else:
            faults.append(f"{example.id}: {why}")
    if not usable:
        first = faults[0] if faults else "there are none"
        raise TrainingError(f"{data.source}: no example can be learnt from; {first}")
    if faults:
        logger.warning("%s: %d of %d examples left out, first %s", data.source, len(faults), len(found), faults[0])
    kept = usable if data.references else without_references(usable)
    return kept, {"items left out": len(faults)}


def why_never_right(example: Example, template: Template) -> str | None:
    """Why no judgment of a single response can equal its label; None if one can."""
    if len(example.responses) > 1 or not isinstance(example.label, tuple):
        return None
    (score,) = example.label
    if template.parse(f"Scores: \\boxed{{{score:g}}}", 1).scores == (score,):
        return None
    return f"its label is {score:g}, a score that no judgment by the template {template.name} can give"


def why_not_shown(example: Example, template: Template) -> str | None:
    """Why the template cannot show an example, such as one of more responses than it has room for; None if it can."""
    try:
        template.render(example, range(len(example.responses)))
    except TemplateError as error:
        return str(error)
    return None


def without_references(examples: Sequence[Example]) -> list[Example]:
    """The same examples with nothing but query and responses to judge by."""
    return [replace(example, reference=None) for example in examples]


def judge_of(config: JudgeConfig, *, model: str, template: str, ledger: Path) -> Judge:
    """Who samples for a recipe: the judge that is named, or the model itself."""
    return Judge(
        name=config.judge or model,
        template=template,
        ledger=ledger,
        sampling=Sampling(config.temperature, config.top_p, config.max_tokens, config.seed),
        model=config.model,
        workers=config.workers,
        concurrency=config.concurrency,
        num_orders=config.orders,
    )


def in_batches(
    rows: Sequence[Row], num_tokens: Callable[[Row], int], optim: OptimConfig, *, seed: int, size: int | None = None
) -> list[Row]:
    """The rows that are not too long, in a random order in which those of a batch, or so many, are of like length."""
    lengths = [num_tokens(row) for row in rows]
    short = [place for place, length in enumerate(lengths) if length <= optim.max_length]
    return [rows[short[place]] for place in alike([lengths[place] for place in short], size or optim.batch, seed=seed)]


def _read(data: DataConfig) -> list[Example]:
    if data.source != NANO:
        return list(read_examples(data.source, limit=data.num))
    if data.num is None:
        raise RecipeError("data.num is not set; nano has no end, so say how many items to take")
    return list(nano_examples(data.num, seed=data.seed))
