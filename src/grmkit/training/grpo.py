"""Rule-based online RL (arXiv 2504.02495, section 3.3): the judge writes, the label says whether it was right.

Every example becomes a group of rollouts, each with the responses in another order. A rollout earns +1 if it is right
by the strict rule and -1 otherwise, an unreadable one too; nothing is paid for form. A KL term holds the policy near
the one it started from. Examples that a stated judge always gets right are left out beforehand.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grmkit.config.train import GrpoConfig, GuardConfig
from grmkit.corpora.draw import draw
from grmkit.corpora.principles import with_principles
from grmkit.corpora.rejection import is_too_easy, prompt_of
from grmkit.errors import RecipeError, TrainingError
from grmkit.models.checkpoint import load_causal
from grmkit.scoring.meta_rm import MetaRM, check_reads, load_meta_rm
from grmkit.templates import load_template
from grmkit.training.examples import judge_of, training_examples
from grmkit.training.loop import (
    adapters,
    check_context,
    check_end,
    fit,
    merged,
    read_metrics,
    rewind,
    save_judge,
    stop_ids,
    trainer_settings,
)
from grmkit.training.processes import from_first, gathered, num_processes
from grmkit.training.rewards import Reward
from grmkit.training.rollouts import Rollouts, alike
from grmkit.training.run_folder import RunFolder
from grmkit.types import Example

LOSS = "grpo"  # Eq. 15: the mean over each rollout's tokens, then over rollouts; TRL's std divides by one less
MIN_WINDOW = 5  # steps; an accuracy over fewer is noise


def grpo(config: GrpoConfig, path: Path) -> dict[str, Any]:
    """Run the recipe in this folder, or go on with it; returns its report.

    Raises:
        GrmkitError: If something is missing or cannot go on; what has been sampled and trained is kept.
    """
    folder = RunFolder(path, config)
    if folder.report is not None:
        return folder.report
    network, tokenizer = load_causal(config.model)  # before anything is sampled
    check_end(network, tokenizer, config.model)
    check_context(network, config.optim, config.model)
    trust = None if config.reward.meta_rm is None else meta_rm_for(config)
    examples, counts = from_first(lambda: choose(config, folder, tokenizer))
    digest = folder.keep_data(example.to_json() for example in examples)
    network, metrics = train(config, folder, network, tokenizer, examples, trust)
    network = gathered(network)
    unconverted = from_first(lambda: save_judge(folder, network, tokenizer, config.run, config.rollout))
    return folder.finish(
        {
            "recipe": "grpo",
            "counts": counts,
            "data_sha256": digest,
            "steps": config.optim.steps,
            "not converted": unconverted,
            "last": metrics[-1] if metrics else {},
        }
    )


def meta_rm_for(config: GrpoConfig) -> MetaRM:
    """The meta RM of the reward.

    Raises:
        RecipeError: If it reads the judgments of another template.
        BackendDown: If there is none.
    """
    assert config.reward.meta_rm is not None
    found = load_meta_rm(config.reward.meta_rm)
    try:
        check_reads(found, load_template(config.template))
    except ValueError as error:
        raise RecipeError(f"reward.meta_rm is {config.reward.meta_rm!r}: {error}") from None
    return found


def choose(config: GrpoConfig, folder: RunFolder, tokenizer: Any) -> tuple[list[Example], dict[str, int]]:
    """The examples to learn from, in the order they are asked, and how many were left out for what."""
    found, counts = training_examples(config.data, load_template(config.template))
    judge = judge_of(config.easy, model=config.model, template=config.template, ledger=folder.ledger)
    hard = [
        example for example, verdict in draw(judge, found, config.easy.samples) if not is_too_easy(example, verdict)
    ]
    if not hard:
        raise TrainingError(f"{folder.path}: all {len(found)} examples are too easy for {judge.name}; use others")
    counts |= {"items": len(found), "items too easy": len(found) - len(hard)}
    if config.rollout.query_principles:
        own = config.easy.model_copy(update={"judge": None, "model": None})  # the policy's, not a weaker filter's
        writer = judge_of(own, model=config.model, template=config.template, ledger=folder.ledger)
        hard, counts["items without principles"] = with_principles(writer, hard)
    chosen = leave_out_long(config, tokenizer, hard)
    counts["items too long"] = len(hard) - len(chosen)
    needed = num_processes() * config.optim.batch // config.rollout.group
    if len(chosen) < needed:
        raise TrainingError(
            f"{folder.path}: {len(chosen)} of {len(found)} examples are left ({counts}), and one step takes {needed}; "
            "use more data, or a smaller optim.batch"
        )
    counts["items of one response"] = sum(len(example.responses) == 1 for example in chosen)
    return chosen, counts


def leave_out_long(config: GrpoConfig, tokenizer: Any, examples: Sequence[Example]) -> list[Example]:
    """The examples whose prompt leaves room for a judgment, in an order of batches of like length.

    Raises:
        TrainingError: If none does.
    """
    template = load_template(config.template)
    prompts = [prompt_of(template, example, range(len(example.responses))) for example in examples]
    turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
    lengths = [len(ids) for ids in tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)]
    room = config.optim.max_length - config.rollout.max_tokens
    short = [place for place, length in enumerate(lengths) if length <= room]
    if not short:
        raise TrainingError(
            f"all {len(examples)} prompts are longer than {room} tokens, what optim.max_length leaves beside "
            f"rollout.max_tokens; the shortest has {min(lengths)}"
        )
    order = alike([lengths[place] for place in short], config.optim.batch // config.rollout.group, seed=config.run.seed)
    return [examples[short[place]] for place in order]


def train(
    config: GrpoConfig,
    folder: RunFolder,
    network: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    meta_rm: MetaRM | None = None,
) -> tuple[Any, list[dict[str, Any]]]:
    """Group-relative policy optimisation by TRL."""
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    template = load_template(config.template)
    rollout = config.rollout
    settings = GRPOConfig(
        **trainer_settings(config.optim, config.run, folder),
        num_generations=rollout.group,
        temperature=rollout.temperature,
        top_p=rollout.top_p,
        max_completion_length=rollout.max_tokens,
        beta=config.beta,
        epsilon=config.epsilon,
        loss_type=LOSS,
        scale_rewards="group",
        shuffle_dataset=False,  # the order is ours
        use_vllm=rollout.backend != "transformers",
        vllm_mode="colocate" if rollout.backend == "vllm-colocate" else "server",
        vllm_server_base_url=rollout.server,
    )
    num_orders = 1 if rollout.backend == "vllm-server" else None
    asked = Rollouts(examples, template, rollout.group, config.run.seed, num_orders)
    reward = Reward(template, stop_ids(network, tokenizer), examples, meta_rm, config.reward.meta_weight)
    trainer = GRPOTrainer(
        model=network,
        reward_funcs=[reward.function()],
        args=settings,
        train_dataset=asked.dataset(),
        processing_class=tokenizer,
        peft_config=adapters(config.optim),
        rollout_func=asked.replacing(reward.by_rule, rollout.replace_groups) if rollout.replace_groups else None,
    )
    trainer.add_callback(guard(in_short(config.guard, config.optim.steps), folder, log_every=config.run.log_every))
    rows = fit(trainer, folder)
    return merged(trainer.accelerator.unwrap_model(trainer.model)), rows


def in_short(config: GuardConfig, steps: int) -> GuardConfig:
    """The guard of a training of so many steps: a window that is not over before the training is guards nothing."""
    return config.model_copy(update={"window": min(config.window, max(MIN_WINDOW, steps // 3))})


def guard(config: GuardConfig, folder: RunFolder, *, log_every: int = 1) -> Any:
    """A callback that stops a training in which one domain's accuracy falls too far below where it began."""
    from transformers import TrainerCallback

    window = max(1, config.window // log_every)  # a row tells the mean since the row before
    first: dict[str, list[float]] = {}
    last: dict[str, deque[float]] = {}

    def see(row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name.startswith("accuracy/") and value is not None:
                began = first.setdefault(name, [])
                if len(began) < window:
                    began.append(value)
                last.setdefault(name, deque(maxlen=window)).append(value)

    rewind(folder)
    for row in read_metrics(folder):
        see(row)

    class Guard(TrainerCallback):
        """Looks at every row of metrics."""

        def on_log(self, *told: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
            _, state, _ = told
            see(logs or {})
            for name, recent in last.items():
                began = first[name]
                if len(recent) < window or len(began) < window:
                    continue
                before, now = sum(began) / len(began), sum(recent) / len(recent)
                if before - now > config.max_drop:
                    raise TrainingError(
                        f"{folder.path}: at step {state.global_step} {name.partition('/')[2]} has collapsed: its "
                        f"accuracy was {before:.3f} at first and is {now:.3f}; raise beta or lower "
                        "optim.learning_rate, with another --output: a copy of ledger.sqlite in it spares the sampling"
                    )

    return Guard()
