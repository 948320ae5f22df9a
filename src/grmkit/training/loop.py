"""What the recipes share of a training by TRL or transformers: settings, metrics, going on, stopping."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grmkit.config.train import JudgeConfig, OptimConfig, RolloutConfig, RunConfig
from grmkit.errors import CheckpointError, TrainingError
from grmkit.models.checkpoint import convert_judge, save_causal
from grmkit.training.processes import from_first
from grmkit.training.run_folder import METRICS, RunFolder

if TYPE_CHECKING:
    from transformers import Trainer

logger = logging.getLogger(__name__)
PROBE = "an answer"
TORCH_FULL = ("PytorchStreamWriter", "inline_container", "iostream error")  # how torch says that a disk is full
SHARDED = {
    "version": 2,
    "reshard_after_forward": True,
    "state_dict_type": "FULL_STATE_DICT",
    "activation_checkpointing": True,
}
"""FSDP2, every decoder layer a group of its own, what it computes computed again on the way back; whole checkpoints."""


def trainer_settings(optim: OptimConfig, run: RunConfig, folder: RunFolder) -> dict[str, Any]:
    """What all our trainers are told, in the words of `transformers.TrainingArguments`."""
    micro_batch = optim.micro_batch or optim.batch
    on_cpu = run.device == "cpu" or not _has_gpu()
    if on_cpu and run.precision == "bfloat16" and not _has_bfloat16():
        logger.warning("this CPU computes bfloat16 in software, many times slower; set run.precision to float32")
    return {
        "output_dir": str(folder.checkpoints),
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": optim.batch // micro_batch,
        "max_steps": optim.steps,
        "learning_rate": optim.learning_rate,
        "lr_scheduler_type": optim.schedule,
        "warmup_steps": optim.warmup_steps,
        "weight_decay": optim.weight_decay,
        "max_grad_norm": optim.max_grad_norm,
        "seed": run.seed,
        "use_cpu": on_cpu,
        "bf16": run.precision == "bfloat16",
        "gradient_checkpointing": None,  # off; TRL turns it on, by a name that transformers takes back
        "logging_steps": run.log_every,
        "logging_nan_inf_filter": False,  # a loss that is no number is told, not hidden
        "save_steps": run.save_every,
        "save_total_limit": 2,
        "report_to": list(run.report_to) or "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        **({"fsdp": True, "fsdp_config": dict(SHARDED)} if run.fsdp else {}),
    }


def adapters(optim: OptimConfig) -> Any:
    """Low-rank adapters for TRL to train in place of all weights, if they are asked for; scaled by two."""
    if optim.adapter_rank is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=optim.adapter_rank, lora_alpha=2 * optim.adapter_rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def merged(network: Any) -> Any:
    """The network with its adapters added to its weights; as it is, if it has none."""
    from peft import PeftModel

    return network.merge_and_unload() if isinstance(network, PeftModel) else network


def fit(trainer: "Trainer", folder: RunFolder) -> list[dict[str, Any]]:
    """Train to the end, from the last whole checkpoint if there is one; the rows of metrics.

    Raises:
        TrainingError: If the loss is no number, nothing more can be saved, or the data end before the steps; the last
            checkpoint stays.
    """
    check_sharded(trainer)
    from transformers import PrinterCallback

    checkpoint = rewind(folder)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(metrics_writer(folder))
    with saving(folder):
        if checkpoint is not None and _step_of(checkpoint) >= trainer.args.max_steps:
            host: Any = trainer
            host._load_from_checkpoint(str(checkpoint))  # `train` would take a step more
        else:
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
            check_steps(trainer.state.global_step, trainer.args.max_steps, folder)
    return from_first(lambda: _plotted(folder))


def stop_ids(network: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer."""
    told = network.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(told if isinstance(told, list) else [told])}


def save_judge(
    folder: RunFolder, network: Any, tokenizer: Any, run: RunConfig, sampled: JudgeConfig | RolloutConfig
) -> str | None:
    """Keep a judge in both of its forms, to be sampled as it was in training; or why ctranslate2 cannot run it."""
    generation = {"do_sample": True, "temperature": sampled.temperature, "top_p": sampled.top_p}
    with saving(folder):
        save_causal(network, tokenizer, folder.model, dtype=run.dtype, generation=generation)
        return converted(convert_judge, folder)


def converted(convert: Callable[[Path], Path], folder: RunFolder) -> str | None:
    """Write the form of the model that ctranslate2 runs; None, or why there is none: not all models have one.

    Raises:
        CheckpointError: If the disk refuses.
    """
    try:
        convert(folder.model)
    except CheckpointError as error:
        if isinstance(error.__context__, OSError):
            raise
        logger.warning("%s", error)
        return str(error)
    return None


def check_end(network: Any, tokenizer: Any, model: str) -> None:
    """Refuse a model whose answers would never end: what its chat template writes after one stops no generation.

    Raises:
        TrainingError: If it is so; a base model with a chat template of its own often is.
    """
    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": PROBE}]
    tail = tokenizer.apply_chat_template(turns, tokenize=False).rpartition(PROBE)[2]
    ids = tokenizer(tail, add_special_tokens=False)["input_ids"]
    known = tokenizer.added_tokens_decoder
    special = [token for token in ids if token in known and known[token].special]
    if special and special[0] not in stop_ids(network, tokenizer):
        raise TrainingError(
            f"{model}: its chat template ends an answer with {tokenizer.decode(special[0])!r}, which stops no "
            f"generation; add {special[0]} to eos_token_id in its generation_config.json"
        )


def check_prefix(tokenizer: Any, model: str) -> None:
    """Refuse a model whose chat template writes a question otherwise once it is answered: TRL takes what a question
    and its answer add to the question alone for the answer, and only warns.

    Raises:
        TrainingError: If it is so; templates of models that think often are.
    """
    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": PROBE}]
    asked = tokenizer.apply_chat_template(turns[:1], add_generation_prompt=True, return_dict=False)
    whole = tokenizer.apply_chat_template(turns, return_dict=False)
    if whole[: len(asked)] != asked:
        raise TrainingError(
            f"{model}: its chat template writes a question as {tokenizer.decode(asked)!r}, but with its answer as "
            f"{tokenizer.decode(whole)!r}, so the loss would be on other tokens than the answer's; expected the one to "
            "begin with the other: change the template"
        )


def check_context(network: Any, optim: OptimConfig, model: str) -> None:
    """Refuse rows that a model was not made to read: most would learn from them, at places they have never seen.

    Raises:
        TrainingError: If optim.max_length is more than its context, unless its positions are scaled, which may reach
            further.
    """
    config = network.config.get_text_config()
    context = getattr(config, "max_position_embeddings", None)
    is_scaled = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default") != "default"
    if context is not None and context < optim.max_length and not is_scaled:
        raise TrainingError(
            f"{model}: reads {context:,} tokens, and optim.max_length is {optim.max_length:,}; set it to at most that, "
            "longer rows are left out"
        )


def check_sharded(trainer: "Trainer") -> None:
    """Raises:
    TrainingError: If weights were to be sharded and will not be; accelerate would replicate them without a word.
    """
    if trainer.args.fsdp and not trainer.is_fsdp_enabled:
        raise TrainingError(
            "run.fsdp is true, but accelerate shards no weights on a CPU, it replicates them; set run.fsdp to false, "
            "or train on GPUs"
        )


@contextmanager
def saving(folder: RunFolder) -> Iterator[None]:
    """Says of a disk that is full, or a file that cannot be written, what is kept and how to go on."""
    from safetensors import SafetensorError

    try:
        yield
    except CheckpointError as error:
        if not isinstance(error.__context__, OSError | SafetensorError):
            raise
        raise TrainingError(
            f"{error}, by the same command; it goes on from {folder.last_checkpoint() or 'the start'}"
        ) from error
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "probability tensor" in str(error):
            raise TrainingError(
                f"{folder.path}: the policy's probabilities are no numbers any more; lower optim.learning_rate; the "
                f"last good checkpoint is {folder.last_checkpoint() or 'the start'}"
            ) from error
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in TORCH_FULL):
            raise
        raise TrainingError(
            f"{folder.path}: cannot be written: {error}; make room and run the same command again, it goes on from "
            f"{folder.last_checkpoint() or 'the start'}"
        ) from error


def rewind(folder: RunFolder) -> Path | None:
    """The checkpoint to go on from, if there is one; rows of metrics past it, of a killed run, are forgotten."""
    return from_first(lambda: _rewind(folder))


def _rewind(folder: RunFolder) -> Path | None:
    checkpoint = folder.last_checkpoint()
    step = 0 if checkpoint is None else _step_of(checkpoint)
    kept = [row for row in read_metrics(folder) if row["step"] <= step] if step else []
    folder.write_text(METRICS, "".join(json.dumps(row) + "\n" for row in kept))
    return checkpoint


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def metrics_writer(folder: RunFolder) -> Any:
    """A callback that keeps every row of metrics, and stops a training whose loss is no number before it is saved."""
    from transformers import TrainerCallback

    path = folder.path / METRICS

    class MetricsWriter(TrainerCallback):
        """Appends each row; there is one at every save, so that no weights are kept that are no numbers."""

        def on_step_end(self, *told: Any, **_: Any) -> Any:
            control = told[2]
            control.should_log |= control.should_save
            return control

        def on_log(self, *told: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
            _, state, _ = told
            row = {"step": state.global_step, **(logs or {})}
            row.pop("num_tokens", None)  # TRL counts them anew after a kill
            if "train_runtime" in row:  # the summary, which knows nothing of what was before a kill
                return
            if state.is_world_process_zero:
                with path.open("a") as file:
                    file.write(json.dumps({name: _json_of(value) for name, value in row.items()}) + "\n")
                numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
                logger.info("%s", ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
            check_finite(row, folder)

    return MetricsWriter()


def _json_of(value: Any) -> Any:
    """JSON has no word for what is no finite number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_steps(done: int, wanted: int, folder: RunFolder) -> None:
    """Raises:
    TrainingError: If a training ended early: transformers only warns where the data do not fill a batch.
    """
    if done < wanted:
        raise TrainingError(
            f"{folder.path}: training ended after {done} of {wanted} steps; the data do not fill a batch: use more of "
            "them, or a smaller optim.batch"
        )


def check_finite(row: Mapping[str, Any], folder: RunFolder) -> None:
    """Raises:
    TrainingError: If loss or gradient is no finite number.
    """
    for name in ("loss", "grad_norm"):
        if name in row and not math.isfinite(row[name]):
            raise TrainingError(
                f"{folder.path}: at step {row['step']} {name} is {row[name]}; lower optim.learning_rate or "
                f"optim.max_grad_norm; the last good checkpoint is {folder.last_checkpoint() or 'the start'}"
            )


def read_metrics(folder: RunFolder) -> list[dict[str, Any]]:
    """The rows so far; a last line that a kill cut short is left out."""
    path = folder.path / METRICS
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _plotted(folder: RunFolder) -> list[dict[str, Any]]:
    rows = read_metrics(folder)
    with saving(folder):
        plot(rows, folder.path / "plot.png")
    return rows


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """One small panel per metric over steps, as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in ("step", "epoch")]
    names = [name for name in names if sum(isinstance(row.get(name), int | float) for row in rows) > 1]
    if not names:
        return
    num_rows = -(-len(names) // 4)
    figure = Figure(figsize=(16, 2.6 * num_rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(num_rows, 4, place)
        points = [(row["step"], row[name]) for row in rows if isinstance(row.get(name), int | float)]
        axes.plot(*zip(*points, strict=True), linewidth=1)
        axes.set_title(name, fontsize=8)
    figure.savefig(path, dpi=80)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _has_bfloat16() -> bool:
    """Whether oneDNN, which computes for torch on a CPU, takes bfloat16 here."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
