"""Rejective fine-tuning (arXiv 2504.02495, section 3.2): a judge learns from the right ones among its judgments.

Sample, reject, mix with general instructions, tune. The loss is on what the judge writes alone.
"""

import json
from collections import deque
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from grmkit.config.train import DataConfig, RftConfig
from grmkit.corpora.draw import draw
from grmkit.corpora.rejection import Rejection, Trajectory, prompt_of, trajectories
from grmkit.errors import DataError, TrainingError
from grmkit.models.checkpoint import load_causal
from grmkit.nano.lessons import general as nano_general
from grmkit.templates import load_template
from grmkit.training.examples import NANO, in_batches, judge_of, training_examples
from grmkit.training.loop import (
    adapters,
    check_context,
    check_end,
    check_prefix,
    fit,
    merged,
    save_judge,
    saving,
    trainer_settings,
)
from grmkit.training.processes import from_first, gathered
from grmkit.training.run_folder import RunFolder

TRAJECTORIES = "trajectories.jsonl"
Row = dict[str, Any]


def rft(config: RftConfig, path: Path) -> dict[str, Any]:
    """Run the recipe in this folder, or go on with it; returns its report.

    Raises:
        GrmkitError: If something is missing or cannot go on; what has been sampled and trained is kept.
    """
    folder = RunFolder(path, config)
    if folder.report is not None:
        return folder.report
    network, tokenizer = load_causal(config.model)  # before anything is sampled
    check_end(network, tokenizer, config.model)
    check_prefix(tokenizer, config.model)
    check_context(network, config.optim, config.model)
    if config.data.general_share:
        check_general(config.data)
    kept, counts = from_first(lambda: sample(config, folder))
    judgments, general = make_rows(config, kept)
    num_rows = len(judgments) + len(general)
    fitting = mixed(config, tokenizer, judgments, general)
    if not fitting:
        raise TrainingError(f"{path}: all {num_rows} rows are longer than optim.max_length; nothing is left to learn")
    digest = folder.keep_data(fitting)
    network, metrics = tune(config, folder, network, tokenizer, fitting)
    network = gathered(network)
    unconverted = from_first(lambda: save_judge(folder, network, tokenizer, config.run, config.sampling))
    return folder.finish(
        {
            "recipe": "rft",
            "counts": counts,
            "rows": {"judgments": len(judgments), "general": len(general), "too long": num_rows - len(fitting)},
            "data_sha256": digest,
            "steps": config.optim.steps,
            "not converted": unconverted,
            "loss": [row["loss"] for row in metrics if "loss" in row][-1:],
        }
    )


def sample(config: RftConfig, folder: RunFolder) -> tuple[list[Trajectory], dict[str, int]]:
    """The judgments worth learning from, with the counts of every rule; all of them, right or not, go into a file."""
    if config.sampling.hinted_samples:
        load_template(f"{config.template}-hinted")  # before anything is paid for
    examples, counts = training_examples(config.data, load_template(config.template))
    judge = judge_of(config.sampling, model=config.model, template=config.template, ledger=folder.ledger)
    rejection = Rejection()
    plain = draw(judge, examples, config.sampling.samples)
    num_hinted = config.sampling.hinted_samples
    hinted = (verdict for _, verdict in draw(judge.told(), examples, num_hinted)) if num_hinted else None
    kept: list[Trajectory] = []
    new = folder.path / f"{TRAJECTORIES}.new"
    with saving(folder), new.open("w", encoding="utf-8") as file:
        for example, verdict in plain:
            for trajectory in trajectories(example, verdict.judgments):
                file.write(json.dumps(trajectory.to_json(), ensure_ascii=False) + "\n")
            kept.extend(rejection.keep(example, verdict, next(hinted) if hinted else None))
    new.replace(folder.path / TRAJECTORIES)
    counts |= dict(sorted(rejection.counts.items()))
    if not kept:
        raise TrainingError(f"{folder.path}: every judgment was rejected: {counts}; use a better judge or other data")
    return kept, counts


def make_rows(config: RftConfig, kept: list[Trajectory]) -> tuple[list[Row], list[Row]]:
    """Prompt and completion of everything that is learnt from: judgments, and general instructions."""
    template = load_template(config.template)
    rows = [_row(prompt_of(template, one.example, one.order), one.judgment) for one in kept]
    share = config.data.general_share
    num_general = round(len(rows) * share / (1 - share))
    found = list(islice(_general(config.data), num_general)) if num_general else []
    if len(found) < num_general:
        raise DataError(f"{config.data.general}: holds {len(found)} rows; general_share {share} needs {num_general}")
    return rows, found


def mixed(config: RftConfig, tokenizer: Any, judgments: list[Row], general: list[Row]) -> list[Row]:
    """The rows that are not too long, batch by batch: each has its share of general rows, and judgments of like length.

    General rows are short. In batches of like length they would make steps of their own, in which no judging is learnt.
    """

    def length(row: Row) -> int:
        return num_tokens(tokenizer, row)

    size = config.optim.batch
    share = len(general) / (len(judgments) + len(general))
    others = in_batches(general, length, config.optim, seed=config.run.seed)
    own = in_batches(judgments, length, config.optim, seed=config.run.seed, size=max(1, size - round(size * share)))
    num_batches = -(-(len(own) + len(others)) // size)
    ends = [number * len(others) // num_batches for number in range(num_batches + 1)] if num_batches else []
    rows: list[Row] = []
    for number, (start, end) in enumerate(pairwise(ends)):
        rows += others[start:end]
        rows += own[number * size - start : (number + 1) * size - end]
    return rows


def num_tokens(tokenizer: Any, row: Row) -> int:
    """How long prompt and completion are together."""
    return len(tokenizer.apply_chat_template(row["prompt"] + row["completion"], tokenize=True, return_dict=False))


def tune(
    config: RftConfig, folder: RunFolder, network: Any, tokenizer: Any, rows: list[dict[str, Any]]
) -> tuple[Any, list[dict[str, Any]]]:
    """Supervised fine-tuning by TRL, loss on the completions alone."""
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    settings = SFTConfig(
        **trainer_settings(config.optim, config.run, folder),
        completion_only_loss=True,
        max_length=config.optim.max_length,
        train_sampling_strategy="sequential",  # the order is ours
    )
    trainer = SFTTrainer(
        model=network,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapters(config.optim),
    )
    metrics = fit(trainer, folder)
    return merged(trainer.accelerator.unwrap_model(trainer.model)), metrics


def check_general(data: DataConfig) -> None:
    """What is wrong with a row of the general data is found before anything is paid for.

    Raises:
        DataError: If there is something.
    """
    rows = _general(data)
    deque(rows if data.general != NANO else islice(rows, 1), maxlen=0)  # nano has no end


def _general(data: DataConfig) -> Iterator[dict[str, Any]]:
    if data.general is None:
        raise DataError("data.general is not set, but data.general_share is; name a file, or nano")
    if data.general == NANO:
        yield from (_row(entry.query, entry.response) for entry in nano_general(1 << 30, seed=data.seed))
        return
    try:
        file = Path(data.general).open(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{data.general}: cannot be read: {error}") from None
    with file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
                yield _row(_text(row["query"]), _text(row["response"]))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{data.general}:{number}: cannot be used: {error!r}; expected an object with query and response, "
                    "both texts"
                ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is no text")
    return value


def _row(prompt: str, completion: str) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": completion}],
    }
