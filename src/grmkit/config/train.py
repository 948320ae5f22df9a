"""What `grm train` can be told: one class per recipe, each value checked before anything is paid for."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveInt = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Part = Annotated[float, Field(gt=0, le=1)]

STRICT = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DataConfig(BaseModel):
    """Which examples a recipe learns from."""

    model_config = STRICT

    source: str = "nano"
    """`nano` (the training split of the small world), a .jsonl, .jsonl.gz or .parquet file, or hf://owner/name."""
    num: PositiveInt | None = None
    """How many examples to take from the front; all, if left out; nano has no end and needs it."""
    seed: int = 1
    """Of the items of nano; files are read in their own order."""
    references: bool = True
    """Whether a judge is shown the reference of an example that has one."""
    general: str | None = None
    """General instructions mixed in, in rft: `nano`, or a .jsonl file of rows with `query` and `response`."""
    general_share: Share = 0.0
    """Their share of all training rows."""


class JudgeConfig(BaseModel):
    """Who writes the judgments that a recipe samples, and how."""

    model_config = STRICT

    judge: str | None = None
    """A judge as `grm score --judge` takes it; the model that is trained, if left out."""
    model: str | None = None
    """The judge's name on its server."""
    samples: PositiveInt = 3
    """Judgments per example."""
    hinted_samples: Count = 1
    """Judgments per example by a judge that is told the label; rft only."""
    orders: PositiveInt | None = None
    """In how many orders an example's responses are shown, at most; all that balance asks for, if left out."""
    temperature: Positive = 1.0
    """Of the sampling."""
    top_p: Part = 1.0
    """Nucleus mass of the sampling."""
    max_tokens: PositiveInt = 2048
    """Room for one judgment, in tokens."""
    seed: int = 0
    """Decides orders and random streams."""
    workers: PositiveInt = 1
    """Processes that sample at once; more than one is for judges in this machine."""
    concurrency: PositiveInt = 64
    """Requests under way at once, for a judge on a server."""


class OptimConfig(BaseModel):
    """How weights are moved."""

    model_config = STRICT

    learning_rate: Positive = 5e-6
    """At its highest, after the warm-up."""
    batch: PositiveInt = 32
    """Rows (rft, meta_rm) or rollouts (grpo) per step and process."""
    micro_batch: PositiveInt | None = None
    """Rows that are computed at once, a divisor of the batch; all, if left out."""
    steps: PositiveInt = 900
    """Steps in all."""
    warmup_steps: Count = 0
    """Steps over which the learning rate rises."""
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    """How it falls afterwards."""
    weight_decay: NotNegative = 0.0
    """Of AdamW."""
    max_grad_norm: Positive = 1.0
    """Gradients are clipped to this length."""
    adapter_rank: PositiveInt | None = None
    """Learn low-rank adapters (LoRA) of this rank, merged at the end, in rft and grpo; all weights, if left out."""
    max_length: PositiveInt = 4096
    """Tokens of prompt and judgment together, at most the model's context; longer rows are left out, and counted."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch % (self.micro_batch or self.batch):
            raise ValueError(f"micro_batch is {self.micro_batch}; expected a divisor of batch, which is {self.batch}")
        return self


class RunConfig(BaseModel):
    """Where and how a training runs."""

    model_config = STRICT

    seed: int = 0
    """Of the order of rows, of rollouts, of new weights."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What is computed in; weights and optimizer stay in float32."""
    device: Literal["auto", "cpu"] = "auto"
    """`auto` takes the GPUs there are."""
    processes: PositiveInt = 1
    """Processes that train on this machine, each with a batch of its own; grm train starts them."""
    save_every: PositiveInt = 100
    """Steps between checkpoints."""
    log_every: PositiveInt = 10
    """Steps between rows of metrics."""
    report_to: tuple[Literal["trackio", "wandb"], ...] = ()
    """Trackers that get the metrics too."""
    dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    """What the weights of the result are saved in."""
    fsdp: bool = False
    """Whether weights are sharded over processes; set up by accelerate or torchrun."""


def _check_adapters(optim: OptimConfig, run: RunConfig) -> None:
    if run.fsdp and optim.adapter_rank is not None:
        raise ValueError("optim.adapter_rank and run.fsdp do not go together; give one of them")


class RftConfig(BaseModel):
    """Rejective fine-tuning: sample judgments, keep the right ones of items that are not too easy, tune on them."""

    model_config = STRICT

    recipe: Literal["rft"] = "rft"
    """Which recipe this is."""
    model: str = ""
    """The model that is tuned: a folder."""
    template: str = "deepseek-grm"
    """How questions and answers are written."""
    data: DataConfig = DataConfig()
    """What is learnt from."""
    sampling: JudgeConfig = JudgeConfig()
    """Who writes the judgments."""
    optim: OptimConfig = OptimConfig()
    """How weights are moved."""
    run: RunConfig = RunConfig()
    """Where and how it runs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_adapters(self.optim, self.run)
        return self


class RolloutConfig(BaseModel):
    """How the policy writes judgments while it learns."""

    model_config = STRICT

    group: Annotated[int, Field(ge=2)] = 4
    """Rollouts per example; advantages are relative to their mean."""
    temperature: Positive = 1.0
    """Of the sampling."""
    top_p: Part = 1.0
    """Nucleus mass of the sampling."""
    max_tokens: PositiveInt = 2048
    """Room for one judgment, in tokens."""
    backend: Literal["transformers", "vllm-server", "vllm-colocate"] = "transformers"
    """What writes them; vLLM through TRL, which syncs the weights; by vllm-server a group shares one order."""
    server: str | None = None
    """The URL of `trl vllm-serve`, for vllm-server."""
    replace_groups: Count = 0
    """Dynamic sampling: rounds in which groups without signal are replaced by other examples; an option."""
    query_principles: bool = False
    """IP-GRM: principles are written from the query alone and given to the judge; an option."""


class RewardConfig(BaseModel):
    """What a rollout is worth besides the rule."""

    model_config = STRICT

    meta_rm: str | None = None
    """A meta RM's folder: its trust in the judgment joins the reward (DeepSeekMath-V2); an option."""
    meta_weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of the meta score in the reward of a right judgment."""


class GuardConfig(BaseModel):
    """When a training is stopped because a domain collapses."""

    model_config = STRICT

    window: PositiveInt = 50
    """Steps over which a domain's accuracy is taken; in a short training a third of its steps, but no fewer than 5."""
    max_drop: Part = 0.15
    """How far below its first full window a domain's accuracy may fall."""


class GrpoConfig(BaseModel):
    """Rule-based online RL: group-relative policy optimisation with a reward of +1 or -1 by the label."""

    model_config = STRICT

    recipe: Literal["grpo"] = "grpo"
    """Which recipe this is."""
    model: str = ""
    """The policy at the start, and the reference policy: a folder."""
    template: str = "deepseek-grm"
    """How questions and answers are written."""
    data: DataConfig = DataConfig()
    """What is learnt from."""
    easy: JudgeConfig = JudgeConfig(hinted_samples=0)
    """Who decides what is too easy: examples all of whose samples by this judge are right are left out."""
    rollout: RolloutConfig = RolloutConfig()
    """How the policy writes."""
    beta: NotNegative = 0.08
    """Weight of the KL divergence from the reference policy."""
    epsilon: Positive = 0.2
    """How far the probability ratio may move before it is clipped; it is 1 while each rollout is used once."""
    reward: RewardConfig = RewardConfig()
    """What is rewarded."""
    guard: GuardConfig = GuardConfig()
    """When it is stopped."""
    optim: OptimConfig = OptimConfig(learning_rate=4e-7)
    """How weights are moved."""
    run: RunConfig = RunConfig()
    """Where and how it runs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.optim.batch % self.rollout.group:
            raise ValueError(f"optim.batch is {self.optim.batch}; expected a multiple of rollout.group")
        if (self.optim.micro_batch or self.optim.batch) % self.rollout.group:
            raise ValueError(f"optim.micro_batch is {self.optim.micro_batch}; expected a multiple of rollout.group")
        if self.rollout.replace_groups and (self.run.fsdp or self.rollout.backend != "transformers"):
            raise ValueError(
                "rollout.replace_groups needs rollout.backend transformers without run.fsdp: elsewhere processes write "
                "together, and each would replace another number of groups"
            )
        if bool(self.reward.meta_weight) != bool(self.reward.meta_rm):
            raise ValueError("reward.meta_rm and reward.meta_weight belong together; give both or neither")
        _check_adapters(self.optim, self.run)
        return self


class MetaRmConfig(BaseModel):
    """The meta RM: a scalar head that learns which judgments are right."""

    model_config = STRICT

    recipe: Literal["meta_rm"] = "meta_rm"
    """Which recipe this is."""
    model: str = ""
    """The causal language model whose body it starts from: a folder."""
    template: str = "deepseek-grm"
    """How the judge's questions and answers are written."""
    prompt_file: str | None = None
    """The user turn the meta RM reads, instead of the meta-rm template's own."""
    trajectories: str | None = None
    """The trajectories.jsonl of an rft run: its readable judgments without hint, right and wrong, are learnt."""
    data: DataConfig = DataConfig()
    """Examples on which the judge it will guide is sampled."""
    sampling: JudgeConfig = JudgeConfig(hinted_samples=0)
    """The judge it will guide."""
    held_out: Part = 0.1
    """The share of queries kept back to measure AUC, calibration and top-half accuracy."""
    optim: OptimConfig = OptimConfig(learning_rate=1e-5)
    """How weights are moved."""
    run: RunConfig = RunConfig()
    """Where and how it runs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.optim.adapter_rank is not None:
            raise ValueError("optim.adapter_rank is for rft and grpo; a meta RM learns with all its weights")
        return self


class SpctConfig(BaseModel):
    """All of it: from a base model to a judge and the meta RM that guides it."""

    model_config = STRICT

    recipe: Literal["spct"] = "spct"
    """Which recipe this is."""
    model: str
    """The base model: a folder."""
    rft: RftConfig = RftConfig()
    """The first stage, on the base model."""
    grpo: GrpoConfig = GrpoConfig()
    """The second stage, on the model of the first."""
    meta_rm: MetaRmConfig = MetaRmConfig()
    """The third stage, on the trajectories of the first and samples of the second."""
    meta_rm_starts_from: Literal["base", "rft", "grpo"] = "base"
    """Whose body the meta RM starts from, unless meta_rm.model names another, such as a larger one."""
    processes: PositiveInt = 1
    """Processes that train on this machine, each with a batch of its own; grm train starts them for all stages."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, stage in (("rft", self.rft), ("grpo", self.grpo), ("meta_rm", self.meta_rm)):
            if stage.run.processes != 1:
                raise ValueError(f"{name}.run.processes is {stage.run.processes}; in spct the key is processes")
            if stage.template != self.rft.template:
                raise ValueError(
                    f"{name}.template is {stage.template!r}, rft.template is {self.rft.template!r}; a judge is trained "
                    "and trusted by one template: give all three the same"
                )
        for name, stage in (("rft", self.rft), ("grpo", self.grpo)):
            if stage.model:
                raise ValueError(
                    f"{name}.model is {stage.model!r}; in spct the key is model, and grpo goes on from rft"
                )
        if self.meta_rm.trajectories is not None:
            raise ValueError("meta_rm.trajectories is set; in spct they are those of its own first stage: leave it out")
        return self


Recipe = RftConfig | GrpoConfig | MetaRmConfig | SpctConfig
RECIPES: dict[str, type[Recipe]] = {"rft": RftConfig, "grpo": GrpoConfig, "meta_rm": MetaRmConfig, "spct": SpctConfig}
