"""The meta RM (arXiv 2504.02495, section 4): a scalar that says how far to trust one judgment.

It reads what the judge read and what it wrote, and learns by binary cross-entropy whether the judgment was right. It
learns from the trajectories of rejective fine-tuning without hint, right and wrong, and from samples of the judge that
it will guide. Queries are split by their hash before anything is learnt: the meta RM learns from no query that it is
measured on. What its judge and the body it starts from learnt before is another matter: give it other data than them.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from grmkit.config.train import MetaRmConfig
from grmkit.corpora.draw import draw
from grmkit.corpora.rejection import Trajectory, query_key, trajectories
from grmkit.errors import DataError, TrainingError
from grmkit.metrics.trust import auc, auc_interval, calibration, top_half
from grmkit.models.checkpoint import save_classifier, to_classifier
from grmkit.models.scalar_head import convert_scalar
from grmkit.objectives.losses import meta_rm_loss
from grmkit.scoring.meta_rm import PROMPT_FILE, PROMPTS, Judged, load_meta_rm
from grmkit.templates import MetaRMTemplate, load_template
from grmkit.training.examples import in_batches, judge_of, training_examples
from grmkit.training.loop import check_context, converted, fit, saving, trainer_settings
from grmkit.training.processes import from_first, gathered
from grmkit.training.run_folder import RunFolder

MAX_GAP = 1e-3  # between the two forms of the same model, in logits
NUM_COMPARED = 200


def meta_rm(config: MetaRmConfig, path: Path) -> dict[str, Any]:
    """Run the recipe in this folder, or go on with it; returns its report.

    Raises:
        GrmkitError: If something is missing or cannot go on; what has been sampled and trained is kept.
    """
    folder = RunFolder(path, config)
    if folder.report is not None:
        return folder.report
    network, tokenizer = to_classifier(config.model, seed=config.run.seed)  # before anything is sampled
    check_context(network, config.optim, config.model)
    template = MetaRMTemplate(prompt_file=config.prompt_file or PROMPTS.get(config.template))
    sampled = from_first(lambda: on_policy(config, folder))
    found = [*kept(config), *sampled]

    def length(one: Trajectory) -> int:
        return num_tokens(tokenizer, to_row(one, template))

    fitting = in_batches(found, length, config.optim, seed=config.run.seed)
    learnt = [one for one in fitting if not is_held_out(one, config.held_out)]
    measured = [one for one in sampled if is_held_out(one, config.held_out) and length(one) <= config.optim.max_length]
    check_both(learnt, "to learn from")
    check_both(measured, "held out")
    rows = [to_row(one, template) for one in learnt]
    digest = folder.keep_data(rows)
    metrics = train(config, folder, network, tokenizer, rows)
    network = gathered(network)
    unconverted = from_first(lambda: save(config, folder, network, tokenizer, template))
    return folder.finish(
        {
            "recipe": "meta_rm",
            "rows": {"learnt": len(rows), "too long": len(found) - len(fitting), "held out": len(measured)},
            "right": sum(one.is_right for one in learnt) / len(learnt),
            "data_sha256": digest,
            "steps": config.optim.steps,
            "not converted": unconverted,
            "loss": [row["loss"] for row in metrics if "loss" in row][-1:],
            **from_first(lambda: measure(folder.model, measured, is_converted=unconverted is None)),
        }
    )


def on_policy(config: MetaRmConfig, folder: RunFolder) -> list[Trajectory]:
    """Readable judgments of the judge it will guide."""
    examples, _ = training_examples(config.data, load_template(config.template))
    judge = judge_of(config.sampling, model=config.model, template=config.template, ledger=folder.ledger)
    drawn = draw(judge, examples, config.sampling.samples)
    return [one for example, verdict in drawn for one in readable(trajectories(example, verdict.judgments))]


def kept(config: MetaRmConfig) -> list[Trajectory]:
    """The readable trajectories of an rft run.

    Raises:
        DataError: If the file cannot be read as such.
    """
    if config.trajectories is None:
        return []
    found = []
    try:
        with Path(config.trajectories).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    found.append(Trajectory.from_json(json.loads(line)))
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError(
                        f"{config.trajectories}:{number}: is no trajectory: {error!r}; expected trajectories.jsonl as "
                        "the recipe rft writes it"
                    ) from None
    except OSError as error:
        raise DataError(f"{config.trajectories}: cannot be read: {error}") from None
    return list(readable(one for one in found if not one.is_hinted))


def readable(found: Iterable[Trajectory]) -> Iterator[Trajectory]:
    """Those that can be read: others never vote, so there is nothing to trust."""
    return (one for one in found if one.outcome != "unreadable")


def is_held_out(one: Trajectory, share: float) -> bool:
    """Whether its query is one of those kept back: by the query's hash, so all its judgments are or none."""
    return int(query_key(one.example)[:8], 16) % 10_000 < share * 10_000


def check_both(found: Sequence[Trajectory], what: str) -> None:
    """Raises:
    TrainingError: If all judgments are right, or all wrong.
    """
    num_right = sum(one.is_right for one in found)
    if not 0 < num_right < len(found):
        raise TrainingError(
            f"of {len(found)} judgments {what} {num_right} are right; expected right and wrong ones: raise data.num or "
            "sampling.samples, or change held_out"
        )


def to_row(one: Trajectory, template: MetaRMTemplate) -> dict[str, Any]:
    """The conversation as the meta RM reads it, and 1 if the judgment is right."""
    messages = template.render(one.example, one.order, one.judgment).messages
    return {"messages": [message.to_json() for message in messages], "label": float(one.is_right)}


def num_tokens(tokenizer: Any, row: dict[str, Any]) -> int:
    """How long the conversation is."""
    return len(tokenizer.apply_chat_template(row["messages"], tokenize=True, return_dict=False))


def train(
    config: MetaRmConfig, folder: RunFolder, network: Any, tokenizer: Any, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Classification by transformers' Trainer, with our loss."""
    from datasets import Dataset
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    read = [tokenizer.apply_chat_template(row["messages"], tokenize=True, return_dict=False) for row in rows]
    dataset = Dataset.from_dict({"input_ids": read, "labels": [row["label"] for row in rows]})
    settings = TrainingArguments(
        **trainer_settings(config.optim, config.run, folder),
        train_sampling_strategy="sequential",  # the order is ours
        label_names=["labels"],
    )

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        return meta_rm_loss(outputs.logits[:, 0], labels, num=num_items_in_batch)

    trainer = Trainer(
        model=network,
        args=settings,
        train_dataset=dataset,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_loss_func=loss,
    )
    # The trainer tells the head's config alone; what activation checkpointing computes again would be cached twice.
    network.base_model.config.use_cache = False
    return fit(trainer, folder)


def save(config: MetaRmConfig, folder: RunFolder, network: Any, tokenizer: Any, template: MetaRMTemplate) -> str | None:
    """The meta RM, in both of its forms, with what it reads; or why ctranslate2 cannot run it."""
    with saving(folder):
        save_classifier(network, tokenizer, folder.model, dtype=config.run.dtype)
        (folder.model / PROMPT_FILE).write_text(template.prompt_text, encoding="utf-8")
        return converted(convert_scalar, folder)


def compare_forms(model: Path, judged: Sequence[Judged], scores: Sequence[float]) -> float:
    """The largest difference between the scores of the form without torch and of the other one, in logits.

    Raises:
        TrainingError: If the two forms of the model do not agree.
    """
    same = asyncio.run(load_meta_rm(model, kind="transformers").ascore(judged))
    gap = max(abs(one - other) for one, other in zip(scores, same, strict=False))
    if gap > MAX_GAP:
        raise TrainingError(f"{model}: its two forms differ by {gap:.4g}; expected less than {MAX_GAP}")
    return gap


def measure(model: Path, held_out: Sequence[Trajectory], *, is_converted: bool = True) -> dict[str, Any]:
    """AUC with its interval, calibration and top-half accuracy on queries kept back, by the form without torch if there
    is one.

    Raises:
        TrainingError: If the two forms of the model do not agree.
    """
    judged = [(one.example, one.order, one.judgment) for one in held_out]
    scores = asyncio.run(load_meta_rm(model).ascore(judged))
    gap = compare_forms(model, judged[:NUM_COMPARED], scores) if is_converted else None
    is_right = [one.is_right for one in held_out]
    items: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(held_out):
        items[one.example.key].append(place)
    kept_right, all_right = top_half(
        [[scores[place] for place in places] for places in items.values()],
        [[is_right[place] for place in places] for places in items.values()],
    )
    return {
        "items": len(items),
        "auc": auc(scores, is_right),
        "auc_ci95": auc_interval(scores, is_right, [query_key(one.example) for one in held_out]),
        "calibration": calibration(scores, is_right),
        "accuracy": all_right,
        "top_half_accuracy": kept_right,
        "max_gap_between_forms": gap,
    }
