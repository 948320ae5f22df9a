"""Train the judge that ships: tokenizer, language model, converted form, from a seed.

    python experiments/train_nano_judge.py --out src/grmkit/nano/judge

A Qwen3 of about a million parameters is tuned on noisy judgments of the small world (`grmkit.nano.lessons`), loss on
the judgment alone. Killed, the same command goes on from its last checkpoint. Needs torch, transformers and
ctranslate2: `pip install torch==2.13.0 && pip install -e '.[dev]'`.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from grmkit.nano.lessons import Lesson, lessons
from grmkit.nano.teacher import Noise

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SPECIAL_TOKENS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
PIECES = r" ?\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"  # each digit is one, with the blank before it
CONTEXT = 1024
IGNORED = -100
CHUNK = 16  # batches that are drawn and sorted by length together
QK_GAIN = 1.7
CHECKPOINT_EVERY_S = 240


@dataclass(frozen=True)
class Plan:
    """Sizes and schedule of one training."""

    out: str
    steps: int = 7500
    batch: int = 16
    rate: float = 0.02
    embedding_rate: float = 3e-3
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    mlp: int = 384
    vocab: int = 3072
    seed: int = 0
    device: str = "cpu"
    threads: int = 2
    precision: str = "auto"  # bf16 where it is computed in hardware, or else fp32, many times faster there
    start: str = ""  # a judge's folder: its tokenizer and weights are where training begins
    more_layers: int = 0  # that it gets then, which begin by doing nothing; sizes are those of its judge
    ignore: float = 0.0  # how often the teacher judges without the wishes
    leave_out: str = ""  # "criteria": judgments are learnt without the principles that head them


def main(words: Sequence[str] | None = None) -> None:
    plan = parse_args(words)
    if plan.precision == "auto":
        has_bf16 = plan.device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        plan = replace(plan, precision="bf16" if has_bf16 else "fp32")
    torch.set_num_threads(plan.threads)
    out = Path(plan.out)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(out, plan)
    model = make_model(plan, tokenizer)
    log = train(model, tokenizer, plan, out)
    save(model, tokenizer, plan, out, log)


def parse_args(words: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in asdict(Plan("src/grmkit/nano/judge")).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    plan = Plan(**vars(parser.parse_args(words)))
    if plan.leave_out not in ("", "criteria"):
        raise SystemExit(f"--leave-out is {plan.leave_out!r}; expected criteria")
    if plan.more_layers < 0 or (plan.more_layers and not plan.start):
        raise SystemExit(f"--more-layers is {plan.more_layers}; expected 0 or more, beside the --start that gets them")
    return plan


def load_tokenizer(out: Path, plan: Plan) -> PreTrainedTokenizerFast:
    """A byte-level BPE learnt from the training split; each digit is a token of its own. Or the one there is."""
    path = out / "tokenizer.json"
    if plan.start:
        path.write_bytes((Path(plan.start) / "tokenizer.json").read_bytes())
    elif not (out / "checkpoint.pt").exists():
        raw = Tokenizer(models.BPE())
        raw.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        raw.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=plan.vocab,
            special_tokens=SPECIAL_TOKENS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        raw.train_from_iterator(texts(islice(lessons(seed=plan.seed), 20_000)), trainer)
        raw.save(str(path))
    return PreTrainedTokenizerFast(
        tokenizer_file=str(path),
        eos_token="<|end|>",
        pad_token="<|pad|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def texts(some: Iterator[Lesson]) -> Iterator[str]:
    for lesson in some:
        yield lesson.messages[0].content
        yield lesson.judgment


def make_model(plan: Plan, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    if plan.start:
        model = Qwen3ForCausalLM.from_pretrained(plan.start, dtype=torch.float32)
        return deepened(model, plan.more_layers).to(plan.device)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=plan.hidden,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.kv_heads,
        head_dim=plan.hidden // plan.heads,
        intermediate_size=plan.mlp,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        model = Qwen3ForCausalLM(config)
    for name, weight in model.named_parameters():
        if "q_norm" in name or "k_norm" in name:  # heads this narrow cannot look sharply at one token otherwise
            torch.nn.init.constant_(weight, QK_GAIN)
    return model.to(plan.device)


def deepened(model: Qwen3ForCausalLM, more: int) -> Qwen3ForCausalLM:
    """The same function in more layers: copies among the others, whose outputs are zeros until they are trained."""
    old = model.config.num_hidden_layers
    sources = [place * old // (old + more) for place in range(old + more)]
    model.model.layers = torch.nn.ModuleList(deepcopy(model.model.layers[source]) for source in sources)
    for place, (layer, source) in enumerate(zip(model.model.layers, sources, strict=True)):
        layer.self_attn.layer_idx = place
        if place and sources[place - 1] == source:
            torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
            torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    model.config.num_hidden_layers = len(sources)
    model.config.layer_types = [model.config.layer_types[source] for source in sources]
    return model


def train(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, plan: Plan, out: Path) -> list[dict[str, Any]]:
    """The loop: Muon for matrices, AdamW for the rest, cosine rates; a checkpoint every few minutes."""
    optimizers, schedules = make_optimizers(model, plan)
    path = out / "checkpoint.pt"
    log: list[dict[str, Any]] = []
    step = tokens = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        if state["plan"] != asdict(plan):
            raise SystemExit(f"{path}: is of another plan, {state['plan']}; delete it to start anew")
        model.load_state_dict(state["model"])
        for part, kept in zip((*optimizers, *schedules), state["parts"], strict=True):
            part.load_state_dict(kept)
        step, tokens, log = state["step"], state["tokens"], state["log"]
    started = saved = time.monotonic()
    losses: list[float] = []
    for ids, labels in DataLoader(Batches(tokenizer, plan, step), batch_size=None, num_workers=1, prefetch_factor=16):
        if step >= plan.steps:
            break
        with torch.autocast(plan.device, dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
            loss = loss_of(model, ids.to(plan.device), labels.to(plan.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        with InFullPrecision() if plan.precision == "fp32" else nullcontext():
            for part in (*optimizers, *schedules):
                part.step()
        model.zero_grad(set_to_none=True)
        step, tokens = step + 1, tokens + int((ids != tokenizer.pad_token_id).sum())
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"step {step}: the loss is not finite; lower --rate")
        if step % 50 == 0:
            row = {"step": step, "loss": round(sum(losses) / len(losses), 4), "tokens": tokens}
            print(json.dumps({**row, "s": round(time.monotonic() - started)}), flush=True)
            log.append(row)
            losses.clear()
        if time.monotonic() - saved > CHECKPOINT_EVERY_S:
            keep(path, model, (*optimizers, *schedules), plan=asdict(plan), step=step, tokens=tokens, log=log)
            saved = time.monotonic()
    path.unlink(missing_ok=True)
    return log


class InFullPrecision(TorchFunctionMode):
    """Muon turns every update to bfloat16, which many a CPU multiplies 20 times slower; here it stays as it is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.bfloat16:
            return args[0].clone()
        return func(*args, **(kwargs or {}))


def make_optimizers(model: Qwen3ForCausalLM, plan: Plan) -> tuple[list[Any], list[Any]]:
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    optimizers = [
        torch.optim.Muon(matrices, lr=plan.rate, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=plan.embedding_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, plan.steps)) for optimizer in optimizers
    ]
    return optimizers, schedules


def loss_of(model: Qwen3ForCausalLM, ids: Any, labels: Any) -> Any:
    """Cross-entropy over the judgments alone; what pads a row comes after it, so no mask is needed."""
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    is_judgment = wanted != IGNORED
    logits = torch.nn.functional.linear(hidden[is_judgment], model.lm_head.weight)
    return torch.nn.functional.cross_entropy(logits.float(), wanted[is_judgment])


def rate_at(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 200)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


class Batches(IterableDataset[tuple[Any, Any]]):
    """Batches of prompts and judgments of like length; the same ones whenever training starts at this step."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, plan: Plan, step: int) -> None:
        self._tokenizer, self._plan, self._step = tokenizer, plan, step

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        step, size = self._step, self._plan.batch
        while True:
            group = step // CHUNK
            noise = Noise(ignore=self._plan.ignore)
            source = lessons(group * CHUNK * size, seed=self._plan.seed, noise=noise)
            told = (lesson if not self._plan.leave_out else without_criteria(lesson) for lesson in source)
            rows = [encode(self._tokenizer, lesson) for lesson in islice(told, CHUNK * size)]
            rows.sort(key=lambda row: len(row[0]) + len(row[1]))
            order = list(range(CHUNK))
            random.Random(f"{self._plan.seed}:{group}").shuffle(order)
            for place in order[step % CHUNK :]:
                yield collate(rows[place * size : (place + 1) * size], self._tokenizer.pad_token_id)
                step += 1


def without_criteria(lesson: Lesson) -> Lesson:
    """The same lesson, whose judgment begins with its analysis."""
    _, heading, rest = lesson.judgment.partition("Analysis:")
    return replace(lesson, judgment=heading + rest) if heading else lesson


def encode(tokenizer: PreTrainedTokenizerFast, lesson: Lesson) -> tuple[list[int], list[int]]:
    prompt = f"<|user|>{lesson.messages[0].content}<|end|><|assistant|>"
    return tokenizer.encode(prompt), tokenizer.encode(lesson.judgment + "<|end|>")


def collate(rows: list[tuple[list[int], list[int]]], pad: int) -> tuple[Any, Any]:
    longest = max(len(prompt) + len(judgment) for prompt, judgment in rows)
    ids = torch.full((len(rows), longest), pad)
    labels = torch.full((len(rows), longest), IGNORED)
    for row, (prompt, judgment) in enumerate(rows):
        end = len(prompt) + len(judgment)
        ids[row, :end] = torch.tensor(prompt + judgment)
        labels[row, len(prompt) : end] = torch.tensor(judgment)
    return ids, labels


def keep(path: Path, model: Any, parts: tuple[Any, ...], **state: Any) -> None:
    """A checkpoint, whole or not at all."""
    new = path.with_suffix(".new")
    torch.save({"model": model.state_dict(), "parts": [part.state_dict() for part in parts], **state}, new)
    new.replace(path)


def save(model: Any, tokenizer: PreTrainedTokenizerFast, plan: Plan, out: Path, log: list[dict[str, Any]]) -> None:
    """Hugging Face files in half precision, and the same weights for ctranslate2."""
    import ctranslate2

    model.generation_config.update(do_sample=True, temperature=0.4, top_k=0, top_p=1.0)
    model.to("cpu", dtype=torch.float16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    converter = ctranslate2.converters.TransformersConverter(str(out), load_as_float16=True)
    converter.convert(str(out / "ctranslate2"), quantization="float16", force=True)
    kept = {name: value for name, value in asdict(plan).items() if name not in ("out", "device", "threads")}
    (out / "training.json").write_text(json.dumps({"plan": kept, "log": log[::10] + log[-1:]}) + "\n")


if __name__ == "__main__":
    main()
